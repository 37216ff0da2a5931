"""Ground floor: jurisdictions as data, and the one base class of refusals."""
