"""The sandbox's demo population: made-up people who live through some months by the same operations as the pages."""
