"""The study as stages: what decides each one's result (plan, fingerprint), how they run (stage, jobs)."""
