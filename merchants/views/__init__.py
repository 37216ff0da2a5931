"""The pages of buyers and of shops."""
