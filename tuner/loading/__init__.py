"""From files to a data set: what each column is, and the rows as series; nothing here reads bytes or cuts windows."""
