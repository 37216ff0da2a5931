"""Pure rules of people and businesses: names, dates, documents, addresses, numbers."""
