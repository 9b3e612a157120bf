"""The findings of a study, as values and in words; nothing here reads, trains or draws."""
