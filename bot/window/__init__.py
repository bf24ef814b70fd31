"""The window: what is due to whom and when, from before a session until its programme ends.

``plan``, ``reconcile``, ``quiet``, ``budget``, ``phases``, ``simulate`` and ``lint`` are pure; ``queries`` is the only
reader of Standing, ``actions`` the only one that turns a plan into rows. How a step speaks is the check-ins' business.
"""
