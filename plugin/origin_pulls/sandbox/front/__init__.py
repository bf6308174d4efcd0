"""What cpsrvd is on a cPanel server: sign-in, tokens in URLs, WHM's and cPanel's pages over TLS.

A process of its own (``python -m origin_pulls.sandbox.front``) in a mount namespace of its own,
where the sandbox's ``/usr/local/cpanel``, ``/var/cpanel`` and ``/run`` lie at their real places:
the plugin's bridges run there as they are. The contract: cPanel's public documents; what those
leave open is a switch (``sandbox/switches.py``).
"""
