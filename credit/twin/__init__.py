"""The portfolio twin: a made-up economy run through the rules that decide for real people."""
