"""What a study found, as values and in words, computed from its outcomes; nothing here reads, trains or draws."""
