"""Command line of the course: `python -m fer_helpers COMMAND`. Each command is a thin call into one room."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from fer_helpers import paths, study
from fer_helpers.errors import FerError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings hide the message that matters

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Profile = Annotated[str, typer.Option(help="quick (embedded data, seconds) or full (as the paper has it).")]
Seed = Annotated[
    int,
    typer.Option(
        min=0, max=2**32 - 1, help="Seed of weights, order of the images, augmentation and dropout."
    ),
]
DEFAULT_WEIGHTS = "compact_fer2013"
ResultsDir = Annotated[Path | None, typer.Option(help="Results folder (default: reports/<profile>).")]
OwnPictures = Annotated[
    Path | None,
    typer.Option(
        help="Your own pictures, a folder a class (also below train, validation and test), with the full profile's "
        "recipe; results in reports/own/<folder>."
    ),
]


@app.command()
def train(
    experiment: str,
    profile: Profile = "quick",
    seed: Seed = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Stop after this many epochs.")] = None,
    data: OwnPictures = None,
    results_dir: ResultsDir = None,
) -> None:
    """Train an experiment; an interrupted run goes on where it stopped. Sees no test set."""
    job = _job(experiment, profile, seed, data, results_dir)
    record = job.train(epochs)
    done = record["epochs"]
    typer.echo(
        f"{experiment} seed {seed}: {done['done']} epochs, best epoch {done['best']}, "
        f"{record['selection']['split']} accuracy {record['selection']['accuracy']:.4f}. Record: {job.record_path}"
    )
    if data:
        _save(job)


@app.command()
def evaluate(
    experiment: str,
    profile: Profile = "quick",
    seed: Seed = 0,
    data: OwnPictures = None,
    results_dir: ResultsDir = None,
) -> None:
    """Score the test sets with the weights of a finished run and write the results into its record."""
    job = _job(experiment, profile, seed, data, results_dir)
    record = job.evaluate()
    for split, scores in record["metrics"].items():
        low, high = scores["interval"]
        typer.echo(
            f"{split:18} n {scores['n']:5}  accuracy {scores['accuracy']:.4f}  [{low:.4f}, {high:.4f}]"
        )
    if data:
        _save(job)


@app.command()
def gan(
    variant: Annotated[str, typer.Argument(help="corrected, or published.")] = "corrected",
    profile: Profile = "quick",
    seed: Seed = 0,
    batches: Annotated[int | None, typer.Option(min=1, help="Train until so many are done in all.")] = None,
    generate: Annotated[
        str | None, typer.Option(help="Then write a set of images: paper or balanced.")
    ] = None,
    results_dir: ResultsDir = None,
) -> None:
    """Train ljmu's GAN; an interrupted run goes on where it stopped. Images go into the state folder."""
    folder = _writable(_folder(profile, results_dir))
    from fer_helpers.bicogan import generated, training

    if generate and generate not in generated.KINDS:  # before the training
        raise generated.unknown(generate)
    job = training.Job(variant, profile, seed, folder)
    done = job.train(batches)["batches"]
    typer.echo(f"GAN {variant}: {done['done']:,} of {done['recipe']:,} batches. Record: {job.record_path}")
    typer.echo(f"Samples: {job.write_sample_sheet()}")
    if generate:
        typer.echo(f"Generated images: {generated.make(generate, job)}")


@app.command()
def runs(profile: Profile = "full", results_dir: ResultsDir = None) -> None:
    """List the run records."""
    from fer_helpers import report

    folder = _folder(profile, results_dir)
    table = report.runs_table(folder)
    typer.echo(f"There are no records in {folder}." if table.empty else table.to_string(index=False))


@app.command()
def measure(name: str, profile: Profile = "quick", results_dir: ResultsDir = None) -> None:
    """Make a table that is no training run, for example landmark_detection, and write its record."""
    from fer_helpers import measurements

    folder = _writable(_folder(profile, results_dir))
    typer.echo(measurements.measure(name, profile, folder).to_string(index=False, max_colwidth=60))
    typer.echo(f"Record: {measurements.path(name, folder)}")


@app.command()
def params(
    output: Annotated[str, typer.Option("--format", help="text or csv.")] = "text",
) -> None:
    """Build every network and compare its parameter counts with the expected ones. Fails on a difference."""
    from fer_helpers import architectures

    table = architectures.parameter_table()
    typer.echo(table.to_csv(index=False).strip() if output == "csv" else table.to_string(index=False))
    if not table["equal"].all():
        raise FerError("A network does not have its expected number of parameters.")


@app.command()
def audit(data: str) -> None:
    """Look for duplicates, leaks between splits, contradicting labels and blank images."""
    from fer_helpers import audit as auditing
    from fer_helpers import datasets

    typer.echo(auditing.report(auditing.audit(datasets.load(data))))


@app.command()
def landmarks() -> None:
    """Measure dlib on the embedded faces: the share found, and the error of its 68 points against the truth."""
    from fer_helpers.landmarks import tables as landmarking

    typer.echo(landmarking.facekit_report())


@app.command()
def doctor() -> None:
    """Check this machine: versions, data, processor, camera, disk. Fails when something needed is missing."""
    from fer_helpers import doctor as doctoring

    checks = doctoring.checks()
    typer.echo(doctoring.report(checks))
    raise typer.Exit(doctoring.exit_code(checks))


@app.command()
def report(
    paper: Annotated[str | None, typer.Option(help="Key of the paper, for example uvic_cnn.")] = None,
    profile: Profile = "full",
    results_dir: ResultsDir = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the tables of reports/README.md, and summary.csv.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Fail when these are stale or a number in a text has no record.")
    ] = False,
) -> None:
    """Print a paper's tables: published beside ours, from the records; or write or check the committed reports."""
    if sum([paper is not None, write, check]) != 1:
        raise FerError("Say one of --paper NAME, --write and --check.")
    if paper is not None:
        from fer_helpers.report import papers

        typer.echo(papers.text(paper, profile, _folder(profile, results_dir)))
        return
    from fer_helpers.report import numbers, readme

    if write:
        typer.echo(f"Written: {readme.write()}")
        return
    if found := numbers.problems():
        typer.echo("\n".join(found))
        raise FerError(
            "What stands above has no record: run report --write, or correct the text (differences in points)."
        )
    typer.echo("Every table is fresh, and every number has a record.")


@app.command()
def claims(
    paper: Annotated[str | None, typer.Option(help="Key of a paper; without it, all five.")] = None,
    results_dir: ResultsDir = None,
) -> None:
    """Print what became of each conclusion of the papers, from the full-profile records."""
    from fer_helpers.report import claims as judging

    typer.echo(judging.text(results_dir, paper))


@app.command()
def index(profile: Profile = "quick", results_dir: ResultsDir = None) -> None:
    """Write index.html and summary.csv from the executed notebooks and the records."""
    from fer_helpers.report import page

    folder = _folder(profile, results_dir)
    typer.echo(f"The report is {page.write_index(profile, folder).resolve()}")


Weights = Annotated[
    str,
    typer.Option(
        help="A network that comes with the course, an experiment trained here, or a network's folder."
    ),
]
Detector = Annotated[str, typer.Option(help="haar, dlib, or whole (the picture is one face already).")]
Everyone = Annotated[bool, typer.Option("--everyone", help="All faces, not only the nearest.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a frame on stdout.")]


@app.command()
def live(
    source: Annotated[str, typer.Option(help="Camera number, video file, picture or folder.")] = "0",
    weights: Weights = DEFAULT_WEIGHTS,
    output: Annotated[
        Path | None, typer.Option(help="mp4; for a picture PNG; for a folder a folder.")
    ] = None,
    detector: Detector = "haar",
    everyone: Everyone = False,
    as_json: AsJson = False,
    window: Annotated[bool, typer.Option(help="Show a window where there is a display.")] = True,
    memory: Annotated[float, typer.Option(min=0, help="Seconds of smoothing; 0 for none.")] = 0.3,
    longest: Annotated[
        int | None, typer.Option(min=48, help="Longer side of the picture that is searched.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this many frames.")] = None,
) -> None:
    """Label the faces of a camera, video, picture or folder; print the time of each stage."""
    from fer_helpers import live as running
    from fer_helpers import trained
    from fer_helpers.live import camera

    opened = camera.open_source(source)  # a missing camera is said before Keras starts
    how = {"detector": detector, "everyone": everyone, "memory": memory, "longest": longest}
    lines = sys.stdout if as_json else None
    table = running.run(opened, trained.light(weights), output, lines, window, limit, **how)
    for skipped in table.attrs["skipped"]:
        typer.echo(f"Skipped: {skipped}", err=True)
    if table.attrs["output"]:
        typer.echo(f"Written: {table.attrs['output']}", err=as_json)
    typer.echo(table.round(1).to_string(index=False), err=as_json)


@app.command()
def predict(
    images: list[Path],
    weights: Weights = DEFAULT_WEIGHTS,
    detector: Detector = "haar",
    everyone: Everyone = False,
    as_json: AsJson = False,
) -> None:
    """Print label and probabilities of the faces in pictures."""
    from fer_helpers import live as running
    from fer_helpers import trained

    how = {"detector": detector, "everyone": everyone}
    for line in running.predict(images, trained.light(weights), as_json, **how):
        typer.echo(line)


@app.command()
def export(
    experiment: str,
    name: Annotated[
        str, typer.Argument(help="What the network will be called: fer_helpers/weights/NAME.npz.")
    ],
    seed: Seed = 0,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Answer with the mean over a picture and its mirror image.")
    ] = False,
    results_dir: ResultsDir = None,
) -> None:
    """Write the full run of an experiment as a network that comes with the course."""
    study.get(experiment)
    from fer_helpers import trained

    path = trained.export(experiment, name, seed, results_dir, mirrored)
    for file in filter(Path.exists, map(path.with_suffix, (".npz", ".json", ".onnx"))):
        typer.echo(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


@app.command()
def across(
    layout: Annotated[str, typer.Option(help="Form of the database; `list` names them all.")],
    weights: Annotated[
        list[str] | None, typer.Option(help="Network, by name; give several to compare them.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the database (default: see data/README.md).")
    ] = None,
) -> None:
    """Evaluate networks on another database: detection, crop, 7 and 3 classes."""
    from fer_helpers import across as evaluation
    from fer_helpers import trained
    from fer_helpers.across import layouts

    if layout == "list":
        typer.echo(layouts.table().to_string())
        return
    layouts.read(layout, data)  # says at once what is missing, before a network is loaded
    table = evaluation.table(
        {name: trained.light(name) for name in weights or [DEFAULT_WEIGHTS]}, data, layout
    )
    for note in table.attrs["notes"]:
        typer.echo(note)
    typer.echo(table.to_string(index=False, float_format="{:.3f}".format, na_rep=""))


def _folder(profile: str, results_dir: Path | None) -> Path:
    study.check_profile(profile)
    return results_dir or paths.results_dir(profile)


def _writable(folder: Path) -> Path:
    """Give `folder`; raises FerError before hours of work, not after, when nothing can be written there."""
    from fer_helpers import doctor as doctoring

    if (check := doctoring.check_writable(folder)).status == "FAIL":
        raise FerError(check.message)
    return folder


def _job(experiment: str, profile: str, seed: int, data: Path | None, results_dir: Path | None):
    chosen = study.get(experiment)  # before Keras starts: a misspelt name fails at once
    from fer_helpers import own_pictures

    folder = _writable(_folder(profile, results_dir or (own_pictures.results_dir(data) if data else None)))
    if data:
        return own_pictures.job(experiment, data, seed, folder)
    if profile == "full":
        from fer_helpers import datasets

        # says at once what is missing, before Keras starts; the cache makes the second reading cheap
        datasets.load(chosen.dataset)
    from fer_helpers import training

    return training.job(chosen, profile, seed, folder)


def _save(job) -> None:
    from fer_helpers import own_pictures

    typer.echo(f"Network: {own_pictures.save(job)} (for the option --weights of predict and live).")


def main() -> None:
    """Run the command line. What a user can mend ends in one line on stderr and exit code 1."""
    try:
        app(prog_name="python -m fer_helpers")
    except FerError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == 130:  # Typer's answer to Ctrl-C
            print(
                "Interrupted. What was computed is kept; the same command goes on from there.",
                file=sys.stderr,
            )
        raise
