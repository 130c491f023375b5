"""What every family of models keeps, and what the page, the loop and the scores rely on."""
