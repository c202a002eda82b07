"""The words by which status pages say that something is broken, works again or was never hit. Data only, no provider.

``TOLD`` is in the order of belief: what stands first is found first, so that "not working" is read before "working",
and "working on" before both. Of 1,721 real updates a loose pattern for "is working" finds 85, of which 70 % are "are
working on" (safe-to-retry.md A.1).
"""

from __future__ import annotations

import re
from enum import StrEnum


class Say(StrEnum):
    """What a clause says of something it names."""

    BROKEN = "broken"
    RECOVERED = "recovered"  # works again: it was broken
    SPARED = "spared"  # works, or was never touched
    NAMED = "named"  # only named
    ADVICE = "advice"  # named in a piece of advice or as a cause: says nothing


_ADVERBS = r"(?:\w+ly\s+|since\s+|now\s+|still\s+|also\s+|all\s+|been\s+|be\s+)*"
_ON = r"\s+(?:\w+ly\s+)?(?:on|to|with|towards?|around|closely|hard|through|and|again|properly)\b"
_FINE = r"(?:normally|as\s+(?:intended|expected|normal|usual|designed)|correctly|properly|well|fine|smoothly)"
_UP = r"(?:operational|available|functional|healthy|stable|online|functioning|accessible|unaffected|unimpacted|up)\b"
_CAN = (
    r"(?:work\w*|available|respond\w*|load\w*|function\w*|operational|accessible|able|complet\w*|process\w*|reach\w*"
    r"|connect\w*|access\w*|return\w*|appear\w*|display\w*|show\w*|resolv\w*|start\w*|send\w*|receiv\w*|healthy|sav\w*"
    r"|open\w*|log\w*|sign\w*|us(?:e|ing)|view\w*|creat\w*|generat\w*|render\w*|authenticat\w*|fully\s+\w+)"
)
_NOT = r"(?:\bnot|n't|\bnever)"
_NORMAL = r"(?:\w+\s+)?(?:normal|service|baseline|healthy)"
_OF_IT = r"(?:\s+(?:\w+\s+){0,2}?(?:errors?|issues?|problems?|failures?|latenc(?:y|ies)|degradation))?"
_TROUBLE = r"(?:impact|issues?|errors?|effect|disruption|degradation|problems?|interruption)"

TOLD: tuple[tuple[Say, str], ...] = (
    # Work in progress, promises and half a recovery say nothing.
    (Say.NAMED, r"\bwork(?:s|ed|ing)?\s+(?:\w+ly\s+)?(?:on|to|with|towards?|around|closely|hard|through|and)\b"),
    (Say.NAMED, r"\bnot\s+only\b"),
    (Say.NAMED, r"\bissues?\s+(?:is|has|have|are|was)?\s*(?:been\s+)?identified"),
    (Say.NAMED, r"\b(?:should|will|may|might|expect\w*)\s+(?:to\s+)?(?:\w+\s+){0,2}?(?:recover\w*|restored|resolved)"),
    (Say.NAMED, r"\b(?:should|will|may|might|expect\w*)\s+(?:to\s+)?(?:\w+\s+){0,2}?(?:return\w*|back\b|normal)"),
    (Say.NAMED, r"\b(?:beg[ia]n\w*|start\w*|partial\w*|gradual\w*|slowly)\s+(?:\w+\s+){0,3}?(?:recover|restor)\w*"),
    (Say.NAMED, r"\b(?:signs?|some)\s+(?:of\s+)?(?:\w+\s+)?(?:recover\w*|restor\w*|improv\w*)"),
    (Say.NAMED, r"\bto\s+(?:\w+ly\s+)?(?:be\s+)?(?:restor\w+|recover|resolv\w+|fix|mitigate|remediate|investigate)\b"),
    # Fine, though the words of trouble stand in it.
    (Say.RECOVERED, rf"\bno\s+longer\s+(?:\w+ly\s+)?(?:see\w*|experienc\w*|show\w*|observ\w*|having){_OF_IT}"),
    (Say.RECOVERED, r"\bno\s+longer\s+(?:\w+ly\s+)?(?:affect\w*|impact\w*|degraded|down|fail\w*)"),
    (Say.BROKEN, rf"(?:{_NOT}|\bcannot|\bno\s+longer)\s+{_ADVERBS}{_CAN}"),
    (Say.BROKEN, rf"\b(?:unable|fail(?:s|ed|ing|ures?)?)\s+to\s+{_ADVERBS}{_CAN}"),
    (Say.SPARED, rf"{_NOT}\s+(?:\w+\s+){{0,3}}?(?:affect\w*|impact\w*|involv\w*|part\s+of)"),
    (Say.SPARED, rf"{_NOT}\s+(?:\w+ly\s+)?(?:see|seeing|experienc\w*|having){_OF_IT}"),
    (Say.SPARED, rf"{_NOT}\s+(?:\w+\s+){{0,2}}?any\s+(?:\w+\s+)?{_TROUBLE}"),
    (Say.SPARED, r"\bun(?:affected|impacted|impaired)\b"),
    (Say.SPARED, rf"\b(?:no|without)\s+(?:\w+\s+){{0,2}}?{_TROUBLE}\b"),
    (Say.SPARED, rf"\b(?:should|can|will|could)\s+{_ADVERBS}(?:work\w*|usable|access\w*|available|used?|function)\b"),
    # Fine again.
    (Say.RECOVERED, rf"\b(?:ha(?:s|ve|d)|is|are|was|were|now)\s+{_ADVERBS}(?:recovered|restored|resolved)\b"),
    (
        Say.RECOVERED,
        rf"\b(?:ha(?:s|ve|d)|is|are|was|were|now)\s+{_ADVERBS}(?:fixed|mitigated|remedied|stabili[sz]ed)\b",
    ),
    (Say.RECOVERED, r"\bback\s+(?:to\s+(?:normal|working|full|pre)|up\b|online|in\s+service)"),
    (Say.RECOVERED, r"\b(?:is|are|now|fully)\s+back\b|\bresumed\b|\brecovered\b"),
    (Say.RECOVERED, r"\b(?:available|working|operational|online|healthy|accessible)\s+(?:properly\s+)?again\b"),
    (Say.RECOVERED, rf"\breturned\s+to\s+{_NORMAL}|\bha(?:s|ve)\s+(?:\w+ly\s+)?returned\b"),
    (Say.NAMED, rf"\breturn(?:ing)?\s+to\s+{_NORMAL}|\brecovering\b|\b(?:is|are)\s+(?:\w+ly\s+)?improving"),
    # Fine all along.
    (Say.SPARED, rf"\b(?:work|operat|function|perform)\w*\s+(?:to\s+)?(?:\w+\s+)?{_FINE}"),
    (Say.SPARED, rf"\b(?:proceed|run|process|continu|behav|respond)\w*\s+(?:to\s+)?(?:\w+\s+)?{_FINE}"),
    (Say.SPARED, rf"\b(?:remain(?:s|ed)?|are|is|be|was|were|stays?|still)\s+{_ADVERBS}{_UP}"),
    (Say.SPARED, r"\bcontinu\w*\s+to\s+(?:work|operate|function)\b"),
    (Say.SPARED, rf"\b(?:is|are|was|were)\s+(?:still\s+|all\s+)?(?:fine|ok|okay|working(?!{_ON}))\b"),
    # Trouble.
    (Say.BROKEN, r"\berror\w*|\boutages?\b|\bdegr[ae]d\w*|\bunavailab\w*|\binaccessib\w*|\bunable\b|\bfail\w*"),
    (
        Say.BROKEN,
        r"\bdown(?!grad|load|stream|time\s+window|\s+to\b)\w*|\blatenc\w*|\bslow\w*|\btim(?:e|ing)[\s-]*outs?",
    ),
    (Say.BROKEN, r"\bissues?\b|\bproblems?\b|\bimpact\w*|\baffect\w*|\belevated\b|\bincreas\w*|\btrouble\b|\bincident"),
    (Say.BROKEN, r"\bdisrupt\w*|\binterrupt\w*|\bmissing\b|\bintermittent\w*|\bdifficult\w*|\bincorrect\w*|\bdelay\w*"),
    (Say.BROKEN, r"\bstuck\b|\bunexpected\w*|\bcannot\b|can't\b|\bcould\s*n[o']t\b|\bbroken\b|\bunresponsive\b"),
    (Say.BROKEN, r"\b[45](?:\d\d|xx)s?\b|\bloss\s+of\b|\blost\b|\bprevent\w*|\bcrash\w*|\bblock\w*|\bhang\w*|\bhung\b"),
    (Say.BROKEN, r"\babnormal\w*|\breduc\w*|\bhigh\s+(?:error|latency|failure)|\bdrop\w*|\bgarbled\b|\bunstable\b"),
)
CUE = re.compile("|".join(f"(?P<c{i}>{pattern})" for i, (_, pattern) in enumerate(TOLD)), re.IGNORECASE)

# The trouble is here and nowhere else.
ONLY = re.compile(
    r"(?<!not )\bonly\s+(?:(?:seem|appear)s?\s+to\s+|be\s+)?(?:affect(?:s|ing)?|impact(?:s|ing)?|applies|relates?)\b"
    r"|\b(?:affect|impact)\w*\s+(?:only|solely|exclusively)\b|\b(?:solely|exclusively)\b"
    r"|(?<!not )\b(?:limited|isolated|confined|restricted|scoped)\s+(?:only\s+)?to\b"
    r"|(?<!not )\bonly\s+(?=[^.]{0,60}\b(?:is|are|was|were)\s+(?:affected|impacted|down|unavailable)\b)",
    re.IGNORECASE,
)

# What to do meanwhile, and what brought it about: names in there say nothing of themselves.
ADVICE = re.compile(
    r"\b(?:please|we\s+recommend|recommended|work\s?around|as\s+an?\s+alternative|in\s+the\s+meantime|instead\s+use"
    r"|you\s+(?:can|may)\s+(?:also\s+)?(?:use|try|access|bypass)"
    r"|(?:should|need\s+to|may\s+have\s+to|must|try|by)\s+(?:\w+ly\s+)?(?:log|sign|refresh|retry|restart|clear|us)\w*)\b",
    re.IGNORECASE,
)
CAUSE = re.compile(
    r"\b(?:due\s+to|caused\s+by|because\s+of|as\s+a\s+result\s+of|stem(?:s|ming)\s+from|triggered\s+by)\b",
    re.IGNORECASE,
)

# "All services except the API", "the login and not the API", "claude.ai rather than the API".
EXCEPT = re.compile(
    r"(?:\bexcept(?:\s+for)?|\bexcluding|\bother\s+than|\bapart\s+from|\baside\s+from|\bwith\s+the\s+exception\s+of"
    r"|\brather\s+than|\binstead\s+of|(?:,|\band|\bbut)\s*not)\s+(?:(?:the|our|on|for|in|to)\s+)*$",
    re.IGNORECASE,
)
NEITHER = re.compile(r"^\s*(?:is|are|was|were)\s*(?:not|n't)\s*[.,;]?\s*$", re.IGNORECASE)

# Wording that goes with more relapses: 16.7 % within the hour against 5.7 % (safe-to-retry.md A.1, C.3 rule 6).
RESIDUAL = re.compile(
    r"\b(?:begin\w*|start\w*)\s+to\s+(?:\w+\s+)?(?:recover|see|return|improve|normali[sz]e)"
    r"|\bstill\s+(?!monitor|investigat|work|continu|keep)\w+|\bremain\w*\s+(?:\w+\s+)?(?:elevated|degraded|high|slow)"
    r"|\bsome\s+(?:\w+\s+)?(?:users|customers|requests|errors|models)|\bgradual\w*|\bslowly\b|\bpartial\w*"
    r"|\blingering\b|\bresidual\b|\bintermittent\w*|\bmay\s+(?:still\s+|continue\s+to\s+)?(?:see|experience|encounter)"
    r"|\b(?:low|slightly|small)\s+(?:\w+\s+){0,2}elevated|\bnot\s+(?:yet|fully)\b|\brecovering\b"
    r"|\bcontinu\w*\s+(?:to\s+)?(?:see|have|having|experienc\w*|fail\w*)",
    re.IGNORECASE,
)
