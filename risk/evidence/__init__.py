"""Evidence: statements and invoice lists read, cleaned, stored once and summed by month."""
