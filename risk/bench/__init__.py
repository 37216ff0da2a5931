"""The engine against public sets of loans: tests of the engine only, never data of the product."""
