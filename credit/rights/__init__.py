"""What people may ask about their data: a copy, who looked at it, and that it goes."""
