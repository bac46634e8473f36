"""Stages of the pipeline side by side: python -m softcifar.pipeline.jobs; started by make repro, imported by no stage."""
