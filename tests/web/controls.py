"""Every control of the pages, as a table: what a person does with it, and what then is seen.

The steps of a row are those of ``hands``. Rows of ``ROOT`` are done in WHM, those of ``ACCOUNT``
in cPanel, where ``{user}`` and ``{own}`` are an account and one of its ``{count}`` vhosts.
``{all}`` is how many vhosts with HTTPS there are, ``{pem}`` somebody's CA, ``{secret}`` a token
that Cloudflare accepts.
"""

from __future__ import annotations

from collections.abc import Mapping

# The list's head has a box only where a script can act on it.
NEEDS_SCRIPT = ("all of a page",)
ROOT: Mapping[str, str] = {
    "search": """
        opens /
        fill Name or account = dedi
        press Show
        sees of 1.
        sees dedi.example
        follow Show all
        sees Showing 1
    """,
    "filters": """
        opens /vhosts/blog/blog.example
        opens /
        choose Mode = observe
        choose Behind Cloudflare = some
        choose Attention = no
        fill Account = blog
        fill Owner = root
        press Show
        sees blog.example
        lacks plain.example
        follow Show all
    """,
    "sort": """
        opens /
        sorted Domain = ascending
        follow Domain
        sorted Domain = descending
        follow Account
        sorted Account = ascending
        follow Origin Pulls
        follow Behind Cloudflare
        follow Last proof
        sorted Last proof = ascending
    """,
    "paging": """
        opens /
        follow Next
        sees Page 2 of 2
        follow Previous
        sees Page 1 of 2
    """,
    "all that match": """
        opens /
        tick all
        press Observe
        sees {all} staged.
        press Forget them
        sees What was staged is forgotten
    """,
    "a long review": """
        opens /
        tick all
        press Observe
        follow Review and apply ({all})
        sees of {all}, refused ones before the others
        follow The next ones
        follow From the first
        sees of {all}, refused ones before the others
        press Forget them
    """,
    "all of a page": """
        opens /
        tick Select all on this page
        sees 50 selected
    """,
    "selected ones": """
        opens /&search=dedi
        press Observe
        sees Nothing is selected.
        sees of 1.
        tick Select dedi.example
        press Observe
        sees off → observe
        tick Select dedi.example
        press Enforce
        sees off → enforce
        tick Select dedi.example
        press Off
        press Forget them
    """,
    "a switch, left out again": """
        opens /
        switch acme.example
        sees 1 change staged
        follow Review and apply (1)
        sees Nothing would be done
        press Leave out acme.example
        sees Nothing is staged
        follow list of domains
    """,
    "a review with refusals": """
        opens /&search=.example
        tick Select acme.example
        tick Select dedi.example
        press Enforce
        follow Review and apply (2)
        sees Nothing would be done: 2 of 2 are refused
        sees Nothing says that Cloudflare presents
        tick Do the others all the same
        tick I have uploaded the certificates
        press Look again
        sees 2 vhosts would change
        unfold The
        unfold Its 9 names
        unfold Changes in files
        press Leave out acme.example
        follow dedi.example
        sees A change of this vhost is staged
        follow Review and apply
        press Forget them
    """,
    "applied, confirmed, undone": """
        opens /vhosts/plain/plain.example
        pick Enforce
        press Stage and review
        tick I have uploaded the certificates
        press Look again
        choose Goes back by itself = 5
        press Apply
        ends Done and proven
        unfold Proof
        unfold Changes in files
        sees It goes back by itself
        press Confirm: it stays
        sees Confirmed: it stays
        follow Undo this job
        sees would be as before
        press Undo job #
        ends Done
        follow plain.example
        sees Mode\\noff
    """,
    "jobs": """
        opens /jobs
        follow Job #
        sees What became of each vhost
    """,
    "proof and certificate": """
        opens /vhosts/blog/blog.example
        press Prove it now
        sees Proven just now
        download Download the CA certificate = BEGIN CERTIFICATE
        follow Job #
        sees Progress
        opens /vhosts/blog/blog.example
        follow blog
        sees Showing
    """,
    "a vhost's form": """
        opens /vhosts/dedi/dedi.example
        pick Observe
        pick Cloudflare's shared certificate
        sees Each exemption is a way round
        fill Host names = mail.dedi.example
        fill Paths = /hooks\\n/wp-json
        fill Source networks = 192.0.2.0/24
        pick Let Cloudflare's networks in
        pick Only tell
        press Stage and review
        sees exempt: open
        press Forget them
        opens /vhosts/dedi/dedi.example
        pick A certificate made here
        pick Redirect to HTTPS
        pick Leave as it is
        pick Let everybody in again
        pick Off
        press Stage and review
        sees Everything is so already
        press Forget them
    """,
    "a CA of one's own": """
        opens /vhosts/dedi/dedi.example
        pick Observe
        pick A certificate authority of yours
        fill Or its certificates, pasted (PEM) = no certificate at all
        press Stage and review
        sees certificate
        opens /vhosts/dedi/dedi.example
        pick Observe
        pick A certificate authority of yours
        fill Or its certificates, pasted (PEM) = {pem}
        press Stage and review
        sees off → observe
        sees 1 vhost would change
        press Forget them
        opens /vhosts/dedi/dedi.example
        pick Observe
        pick A certificate authority of yours
        bring Its file (PEM = {pem}
        press Stage and review
        sees 1 vhost would change
        press Forget them
    """,
    "off, and the certificate too": """
        opens /&search=blog.example
        tick Select blog.example
        press Off
        follow Review and apply (1)
        tick Remove the certificate at Cloudflare too
        press Look again
        sees is deleted there afterwards
        press Forget them
    """,
    "Cloudflare's side": """
        opens /vhosts/shop/shop.example
        follow Ask Cloudflare now
        sees No token reaches the zone of
        follow a token
        sees Bring a token
    """,
    "lock": """
        opens /vhosts/shop/shop.example
        blocked Lock
        fill Reason = Ask us first
        press Lock
        sees Locked for the account holder: Ask us first
        press Unlock
        lacks Locked for the account holder
        follow shop
        lacks plain.example
    """,
    "tokens": """
        opens /tokens
        fill API token = cfut_wrong
        press Verify and keep
        sees Not kept
        fill API token = {secret}
        fill Label = ours
        fill Account = shop
        press Verify and keep
        sees Cloudflare accepts it
        sees shop
        unfold Replace
        fill New token = cfut_wrong
        press Verify and replace
        sees Not replaced
        unfold Replace
        fill New token = {secret}
        press Verify and replace
        sees Replaced: token
        follow Ask Cloudflare what they reach
        sees What each token reaches
        follow Forget
        sees Nothing that is presented now depends on it alone
        follow Keep it
        follow Forget
        press Forget token
        sees is forgotten here
    """,
    "settings": """
        opens /settings
        choose What a vhost gets = observe
        choose Whose certificate counts = cloudflare
        choose What plain HTTP does = redirect
        choose What account holders may do = observe
        fill How often an account may ask = 29
        fill How many vhosts an account = 199
        fill Minutes until an enforcement = 15
        press Save
        sees Saved.
        fill Minutes until an enforcement = 9999
        blocked Save
    """,
    "activity": """
        opens /activity
        follow Next
        sees Page 2 of
        follow Previous
        fill Domain, account or deed = blog.example
        fill Who = root
        choose As = root
        press Show
        sees blog/blog.example
        follow Undo
        sees would be as before
        follow Leave it as it is
        opens /activity&search=blog.example&who=root
        follow job #
        sees What became of each vhost
    """,
    "doctor": """
        opens /doctor
        sees Apache
        follow Look again
        sees Looked just now
        opens /
        follow Doctor:
        sees Looked just now
    """,
    "export": """
        opens /&search=shop
        download CSV = api.shop.example
        download JSON = "vhosts"
    """,
    "menu": """
        opens /
        follow How it works
        sees Who has these pages
        follow Settings
        opens /
        follow Doctor:
        follow Jobs
        follow Tokens
        follow Activity
        follow Doctor
        follow Settings
        follow Help
        sees Four authentications
        follow Relax everything
        follow Leave it as it is
        follow Domains
        sees Showing
    """,
    "panic": """
        opens /help
        follow Relax everything
        blocked Relax everything
        tick Yes, switch
        press Relax everything
        sees No vhost of this server demands
        follow Job #
        follow Undo this job
        press Undo job #
        ends Done
    """,
}
ACCOUNT: Mapping[str, str] = {
    "explanation": """
        opens /
        unfold What this does
        follow Help
        sees Four authentications
    """,
    "a switch, left out again": """
        opens /
        switch {own}
        sees 1 change staged
        follow Review and apply (1)
        press Leave out {own}
        sees Nothing is staged
        follow list of domains
    """,
    "all of a page": """
        opens /
        tick Select all on this page
        sees {count} selected
    """,
    "selected ones": """
        opens /
        tick Select {own}
        press Off
        tick Select {own}
        press Enforce
        press Forget them
    """,
    "sort": """
        opens /
        follow Domain
        sorted Domain = descending
        follow Origin Pulls
        follow Behind Cloudflare
        follow Last proof
    """,
    "a review of several": """
        opens /
        tick Select {own}
        tick Select {user}.example
        press Enforce
        follow Review and apply (2)
        sees 2 of 2 are refused
        tick Do the others all the same
        press Look again
        follow {own}
        sees A change of this vhost is staged
        follow Review and apply
        press Forget them
    """,
    "applied and undone": """
        opens /
        tick Select {own}
        press Observe
        follow Review and apply (1)
        sees 1 vhost would change
        unfold Changes in files
        press Apply
        ends Done and proven
        unfold Proof
        follow Undo this job
        press Undo job #
        ends Done
        follow {own}
        sees Mode\\noff
    """,
    "a vhost's form": """
        opens /vhosts/{user}/{own}
        press Prove it now
        sees just now
        pick Observe
        pick Cloudflare's shared certificate
        fill Host names = www.{own}
        fill Paths = /hooks
        fill Source networks = 192.0.2.0/24
        pick Redirect to HTTPS
        press Stage and review
        sees exempt: open
        press Forget them
        opens /vhosts/{user}/{own}
        pick Enforce
        pick A certificate made here
        pick Let Cloudflare's networks in
        pick Leave as it is
        pick Only tell
        pick Let everybody in again
        pick Off
    """,
    "Cloudflare's side": """
        opens /vhosts/{user}/{own}
        follow Ask Cloudflare now
        sees No token reaches the zone of
        follow a token
        sees Bring a token
    """,
    "export": """
        opens /
        download CSV = {own}
        download JSON = "vhosts"
    """,
    "jobs": """
        opens /
        follow Jobs
        follow Job #
        sees Progress
        follow Domains
    """,
    "tokens": """
        opens /
        follow Tokens
        fill API token = {secret}
        fill Label = mine
        press Verify and keep
        sees Cloudflare accepts it
        unfold Replace
        fill New token = {secret}
        press Verify and replace
        sees Replaced: token
        follow Ask Cloudflare what they reach
        sees What each token reaches
        follow Forget
        sees Nothing that is presented now depends on it alone
        follow Keep it
        follow Forget
        press Forget token
        sees is forgotten here
    """,
}
