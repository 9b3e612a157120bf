"""Reading data files: from bytes to text, to a table, to named columns of numbers, dates and text."""
