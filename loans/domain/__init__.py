"""Terms, events and the engine that folds them into a loan's state: pure, typed, without Django."""
