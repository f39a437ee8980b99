"""Every report from its notebook: `make reports`, or on a cluster the same file with another profile.

    snakemake --workflow-profile profiles/local                         quick: embedded data, laptop
    snakemake --workflow-profile profiles/slurm --config profile=full   as specified, on FER2013

train     one experiment, one seed (full only: in quick a notebook trains its own, which saves starting TensorFlow)
notebook  papermill, then HTML; the executed notebook is a log, so that the copy of a failed one stays
report    index.html and summary.csv
"""

import re
import shlex
import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))

from fer_helpers import paths

PROFILE = str(config.get("profile", "quick"))
SEED = int(config.get("seed", 0))
if PROFILE not in ("quick", "full"):
    raise ValueError(f"profile={PROFILE}: there are two profiles, quick and full")

RESULTS = paths.results_dir(PROFILE).resolve()  # FER_RESULTS_DIR, or reports/<profile>
FOLDER = Path(config.get("notebooks", paths.NOTEBOOKS)).resolve()
NAMES = sorted(path.stem for path in FOLDER.glob("[0-9][0-9]_*.ipynb"))
if not NAMES:
    raise ValueError(f"There is no notebook in {FOLDER}")
HELPERS = sorted(str(path) for path in (ROOT / "fer_helpers").rglob("*.py"))
DATA = sorted(str(path) for path in paths.DATA.glob("*.*") if path.suffix in (".npz", ".csv"))
PYTHON = f"{shlex.quote(sys.executable)} -m"
PROGRESS = "--progress-bar" if sys.stderr.isatty() else "--no-progress-bar"

# A record that exists is never made again, whatever has changed since: only missing ones match the rule `train`.
RECORDS, MISSING = [], []
if PROFILE == "full":
    from fer_helpers import records, study, trained
    from fer_helpers.bicogan import generated

    def left_out(experiment, seed):
        """Why a run cannot be trained here: what it builds on was made elsewhere and only its record is here."""
        chosen = study.get(experiment)
        if chosen.generated and not (file := generated.full_path(chosen.generated, seed)).exists():
            return f"{file} is not there"
        for name, k in study.needs(chosen, PROFILE, seed):
            path = records.path(RESULTS, name, k)
            if path.exists() and trained.stored_weights(name, k, RESULTS) is None:
                return f"the weights of {name} are not on this computer"
            if not path.exists() and (reason := left_out(name, k)):
                return reason
        return None

    for experiment, seed in study.planned():
        found = records.path(RESULTS, experiment, seed).exists()
        if not found and (reason := left_out(experiment, seed)):
            print(f"Left out: {experiment} seed {seed}, because {reason}.", file=sys.stderr)
            continue
        RECORDS.append(f"{experiment}-seed{seed}")
        MISSING += [] if found else RECORDS[-1:]


def before(wildcards):
    """90_results reads what all the others have made."""
    return [f"{RESULTS}/notebooks/{name}.html" for name in NAMES if wildcards.name == "90_results" != name]


def built_on(wildcards):
    """The records of the runs whose weights a run needs: they are trained first."""
    experiment, seed = wildcards.record.rsplit("-seed", 1)
    needed = study.needs(study.get(experiment), PROFILE, int(seed))
    return [ancient(f"{RESULTS}/runs/{name}-seed{k}.json") for name, k in needed]


localrules: report, all_notebooks


rule report:
    input:
        expand(f"{RESULTS}/notebooks/{{name}}.html", name=NAMES),
    output:
        index=f"{RESULTS}/index.html",
        summary=f"{RESULTS}/summary.csv",
    shell:
        "{PYTHON} fer_helpers index --profile {PROFILE} --results-dir {RESULTS:q}"


rule all_notebooks:
    input:
        expand(f"{RESULTS}/notebooks/{{name}}.html", name=NAMES),


rule notebook:
    input:
        before,
        HELPERS,
        DATA,
        expand(f"{RESULTS}/runs/{{record}}.json", record=RECORDS),
        notebook=f"{FOLDER}/{{name}}.ipynb",
    output:
        html=f"{RESULTS}/notebooks/{{name}}.html",
    log:
        notebook=f"{RESULTS}/notebooks/{{name}}.ipynb",
    params:
        seed=SEED,
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "{PYTHON} papermill {input.notebook:q} {log.notebook:q} --cwd {FOLDER:q} {PROGRESS} -k python3"
        " -r PROFILE {PROFILE} -p SEED {params.seed} -r RESULTS_DIR {RESULTS:q}"
        " && {PYTHON} nbconvert --log-level WARN --to html --template classic --embed-images {log.notebook:q}"


rule train:
    input:
        built_on,
        ancient(str(paths.data_dir())),
    output:
        f"{RESULTS}/runs/{{record}}.json",
    wildcard_constraints:
        record="|".join(map(re.escape, MISSING)) or "none",
    params:
        run=lambda w: "{} --seed {}".format(*w.record.rsplit("-seed", 1)),
    threads: 8
    resources:
        mem_mb=16000,
        runtime=1440,
    shell:
        "{PYTHON} fer_helpers train {params.run} --profile full --results-dir {RESULTS:q}"
        " && {PYTHON} fer_helpers evaluate {params.run} --profile full --results-dir {RESULTS:q}"


onerror:
    shell("{sys.executable:q} {ROOT:q}/tools/notebooks.py errors {RESULTS:q}/notebooks")
