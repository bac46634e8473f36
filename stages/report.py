"""Write the report from the students' scores: tables, figures, metrics.json and the page. `python stages/report.py`"""

from pathlib import Path

from softcifar.params.study import load
from softcifar.pipeline.stage import run
from softcifar.report import write_report


def main() -> None:
    params = load("params.yaml").model_dump(mode="json")
    write_report(params, data=Path("data"), scores=Path("scores"), models=Path("models"), reports=Path("reports"))


if __name__ == "__main__":
    run(main)
