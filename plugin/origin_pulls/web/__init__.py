"""The pages: Flask in gunicorn, one service for WHM's socket and one for the accounts'."""
