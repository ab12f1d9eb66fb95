"""Question and tables in, SQL out: prepare the data, train, consolidate, test."""
