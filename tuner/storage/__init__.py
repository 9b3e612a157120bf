"""The database that studies are kept in, and who may write it; nothing here chooses or trains."""
