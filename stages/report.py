"""Write the report from the students' scores: tables, figures, metrics.json and the page. `python stages/report.py`"""

from pathlib import Path

from softcifar.params import load
from softcifar.report import write_report
from softcifar.stage import run


def main() -> None:
    params = load("params.yaml").model_dump(mode="json")
    write_report(params, data=Path("data"), scores=Path("scores"), models=Path("models"), reports=Path("reports"))


if __name__ == "__main__":
    run(main)
