"""The sandbox's Cloudflare: an API that answers as the real one does, and a real nginx as edge."""
