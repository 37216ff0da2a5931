"""Pure rules of credit: policy, limits, the line, re-evaluation, reminders, the night."""
