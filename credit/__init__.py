"""Credit: where the lender's opinion (risk) meets the borrower's obligations (loans)."""
