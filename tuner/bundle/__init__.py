"""A refitted model as files, and how it scores new rows; nothing here knows of studies or trials."""
