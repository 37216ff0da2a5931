"""The policy laboratory: stored decisions and re-evaluations decided again under a changed policy, price or model."""
