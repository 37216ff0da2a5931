"""Arithmetic of money: pure, typed, without Django."""
