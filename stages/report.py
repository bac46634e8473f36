"""Write the report from the students' scores: tables, figures, metrics.json and the page. `python -m stages.report`"""

from pathlib import Path

from softcifar.pipeline.stage import entry, run
from softcifar.report import write_report


def main() -> Path:
    params, reports = entry("report").params, Path("reports")
    write_report(params, data=Path("data"), scores=Path("scores"), models=Path("models"), reports=reports)
    return reports / "index.html"


if __name__ == "__main__":
    run(main)
