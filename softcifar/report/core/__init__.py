"""What every chapter of the report stands on: reading, the long table, comparisons, verdicts, tables, drawing, the page."""
