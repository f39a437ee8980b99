"""From records to tables, verdicts, texts and a page. Each step reads the ones above it, and none below.

    records, measurements, data/published.csv
    metrics, paired, seeds, goals   (beside this package) what records say of runs, of pairs and of several seeds
    runs, papers                    what a folder holds; published numbers beside ours
    evidence, counted, measured     what speaks for or against a conclusion
    conclusions, claims             every conclusion of the papers; what became of it
    readme, page                    reports/README.md; index.html
    numbers                         has every number in our texts a record?

Every number of ours comes from a record, every other one from data/published.csv. The names below are those that
notebooks use.
"""

from fer_helpers.metrics import with_interval
from fer_helpers.paired import table as paired_tests
from fer_helpers.report.papers import accuracies, result_table
from fer_helpers.report.runs import runs_table, summary

__all__ = ["accuracies", "paired_tests", "result_table", "runs_table", "summary", "with_interval"]
