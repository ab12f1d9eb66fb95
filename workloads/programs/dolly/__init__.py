"""An instruction in, an answer out: prepare the data, train every weight, consolidate, export, generate."""
