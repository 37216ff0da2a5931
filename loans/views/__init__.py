"""Pages of loans, repaying and the calculator."""
