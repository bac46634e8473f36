"""Published claims held against a study's runs; a claim whose students the study lacks gives no row."""

from softcifar.report.claims import instance_smoothing, label_relaxation

CLAIMS = [instance_smoothing.findings, label_relaxation.findings]  # (results, long table) -> findings
