"""`lotkeeper doctor`: looks at the machine; what is not well is told with the command for it.

machine -> subjects.X.probe(machine, wants) -> facts -> subjects.X.CHECKS -> findings

A subject is a file: its facts, `probe`, which reads them, and its checks, each a small pure
function from the facts to a finding. A new one goes into `examine.SUBJECTS`.
"""
