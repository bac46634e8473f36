"""params.yaml: sections (the shapes of keys), candidates (numbers given as lists), study (which values go together)."""
