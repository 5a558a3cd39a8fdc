"""Identities, certificates, device bundles, the broker's configuration: how a lot is set up.

State is kept as files below one directory, /etc/lotkeeper unless another is named:

    gateway.toml                     the gateway's configuration; its layout is written here
    tls/ca.crt                       the lot's CA
    tls/{identity,operator,enrolment}.{crt,key}
                                     the gateway, the commands that ask it, the enrolment server
    provision/lot.json               what the lot is, and its plan: spots, agents, sensors
    provision/identities.json        who was given which certificate, and what was revoked
    provision/ca.key                 signs everything; nothing but these commands reads it
"""
