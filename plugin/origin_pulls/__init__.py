"""Origin Pulls: Cloudflare Authenticated Origin Pulls per domain on a cPanel & WHM server."""

__version__ = "0.1.0"
