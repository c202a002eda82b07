"""The phrases by which status pages say that something is broken, works again or was never affected.

Data only, the same for all providers. ``PHRASES`` is in order of precedence: the first one that matches at a position
counts, so that "not working" is read before "working", and "working on" before both. Of 1,721 real updates a loose
pattern for "is working" finds 85, of which 70 % are "are working on" (bot/docs/verdict-rules.md#exoneration).
"""

from __future__ import annotations

import re
from enum import StrEnum


class Assertion(StrEnum):
    """What a clause says about something it names."""

    BROKEN = "broken"
    RECOVERED = "recovered"  # works again: it was broken
    SPARED = "spared"  # works, or was never affected
    NAMED = "named"  # only named
    ADVICE = "advice"  # named in advice or as a cause: says nothing about its condition

    @property
    def is_affected(self) -> bool:
        """True for ``BROKEN`` and ``NAMED``: an incident that only names a surface counts against it."""
        return self in (Assertion.BROKEN, Assertion.NAMED)


_ADVERBS = (
    r"(?:(?!partial|part|barely|hardly|intermittent|most|only)\w+ly\s+|since\s+|now\s+|still\s+|also\s+|all\s+|been\s+"
    r"|be\s+|yet\s+)*"
)
_ON = r"\s+(?:\w+ly\s+)?(?:on|to|with|towards?|around|closely|hard|through|and|again|properly|until)\b"
_FINE = (
    r"(?:normally|as\s+(?:it\s+should|they\s+should|intended|expected|normal|usual|designed)|correctly|properly|well|fine"
    r"|smoothly)"
)
_UP = r"(?:operational|available|functional|healthy|stable|online|functioning|accessible|unaffected|unimpacted|up)\b"
_CAN = (
    r"(?:work\w*|available|respond\w*|load\w*|function\w*|operational|accessible|able|complet\w*|process\w*|reach\w*"
    r"|connect\w*|access\w*|return\w*|appear\w*|display\w*|show\w*|resolv\w*|start\w*|send\w*|receiv\w*|healthy|sav\w*"
    r"|open\w*|log\w*|sign\w*|us(?:e|ing)|view\w*|creat\w*|generat\w*|render\w*|authenticat\w*|fully\s+\w+"
    r"|operat\w*|usable|stable|online|fine|up|ok(?:ay)?|well|normal\w*|respons\w*|run(?:s|ning)?|behav\w*|perform\w*"
    r"|deliver\w*|find\w*|get(?:ting)?|see(?:ing|n)?|recover\w*|restor\w*|fixed|mitigated|back\b|as\s+expected)"
)
_NOT = r"(?:\bnot|n't|\bnever)"
_NORMAL = r"(?:\w+\s+)?(?:normal|service|baseline|healthy)"
_TROUBLE = (
    r"(?:impact|issues?|errors?|effects?|disruptions?|degradation|problems?|interruptions?|failures?|latency|outages?"
    r"|downtime|delays?|timeouts?|incidents?|trouble|symptoms?)\b"
)
_THIS = (
    rf"(?:(?:\w+\s+){{0,2}}?{_TROUBLE}"
    r"|(?:any\s+of\s+)?(?:this|it|these|the\s+same)\b(?=\s*(?:$|[.,;:)]|at\b|now\b|in\b)))"
)
_SEE = (
    r"(?:see\w*|experienc\w*|show\w*|observ\w*|hav(?:e|ing)|suffer\w*|receiv\w*|encounter\w*"
    r"|return\w*|throw\w*|produc\w*)"
)
_REACH = (
    r"(?:(?:\w+ly|been|be|being|to|appear\w*|seem\w*|believed|thought|known|expected|have|has|in\s+any\s+way|yet|a|an|the)\s+)*"
    r"(?:affect\w*|impact\w*|involv\w*|includ\w*|extend\w*|appl(?:y|ies)\b|reach(?:es|ed)?\s+(?!out)|touch\w*|concern\w*"
    r"|cover\w*|relat\w*|part\s+of|among|in\s+scope)"
)

PHRASES: tuple[tuple[Assertion, str], ...] = (
    # Work in progress, promises and a partial recovery say nothing about the condition. Who works is not the surface.
    (
        Assertion.NAMED,
        r"\b(?:we|teams?|engineers?|developers)\b(?:'re|'ve)?\s+(?:\w+\s+){0,4}?work\w*\b(?:\s+(?:to|on)\b)?",
    ),
    (Assertion.NAMED, r"\bwork(?:s|ed|ing)?\s+(?:\w+ly\s+)?(?:on|to|with|towards?|around|closely|hard|through|and)\b"),
    (Assertion.NAMED, r"\b(?:look|digg)ing\s+(?:\w+ly\s+)?(?:at|into)\b"),
    (Assertion.NAMED, r"\bnot\s+only\b"),
    (Assertion.NAMED, r"\bissues?\s+(?:is|has|have|are|was)?\s*(?:been\s+)?identified"),
    (
        Assertion.NAMED,
        r"\b(?:should|will|may|might|expect\w*)\s+(?:to\s+)?(?:\w+\s+){0,2}?(?:recover\w*|restored|resolved)",
    ),
    (Assertion.NAMED, r"\b(?:should|will|may|might|expect\w*)\s+(?:to\s+)?(?:\w+\s+){0,2}?(?:return\w*|back\b|normal)"),
    (
        Assertion.NAMED,
        r"\b(?:beg[ia]n\w*|start\w*|partial\w*|gradual\w*|slowly)\s+(?:\w+\s+){0,3}?(?:recover|restor)\w*",
    ),
    (Assertion.NAMED, r"\b(?:signs?|some)\s+(?:of\s+)?(?:\w+\s+)?(?:recover\w*|restor\w*|improv\w*)"),
    (
        Assertion.NAMED,
        r"\bto\s+(?:\w+ly\s+)?(?:be\s+)?(?:restor\w+|recover|resolv\w+|fix|mitigate|remediate|investigate)\b",
    ),
    (
        Assertion.NAMED,
        (
            r"\b(?:nearly|almost|close\s+to|not\s+quite|largely|virtually|practically)\s+(?:\w+ly\s+|being\s+)?(?:back|recovered"
            r"|restored|resolved|operational|available|normal\w*|healthy|functional|stable|fixed)\b"
        ),
    ),
    (
        Assertion.BROKEN,
        rf"\b{_TROUBLE}\s+(?:\w+\s+){{0,3}}?(?:(?:is|are|came|come|comes)\s+back|returned|reappeared|recurred)\b",
    ),
    # Not affected, though the phrase contains a word for trouble.
    (Assertion.SPARED, rf"\b(?:expect|anticipat|foresee)\w*\s+no\s+(?:\w+\s+){{0,2}}?{_TROUBLE}"),
    (Assertion.SPARED, rf"\bunlikely\s+(?:to\s+)?{_REACH}"),
    (Assertion.RECOVERED, rf"\bno\s+longer\s+(?:\w+ly\s+)?{_SEE}\s+{_THIS}"),
    (Assertion.RECOVERED, r"\bno\s+longer\s+(?:\w+ly\s+)?(?:affect\w*|impact\w*|degraded|down|fail\w*)"),
    (Assertion.SPARED, rf"(?:{_NOT}|\bcannot)\s+(?:\w+\s+)?{_SEE}\s+{_THIS}"),
    (Assertion.SPARED, rf"{_NOT}\s+{_REACH}"),
    (Assertion.NAMED, rf"{_NOT}\s+(?:intended|designed|meant|supposed|planned|scheduled|due)\s+to\s+(?:be\s+)?\w+"),
    (
        Assertion.BROKEN,
        (
            r"\b(?:only|just)?\s*(?:part(?:ial)?ly|barely|hardly|intermittently|mostly\s+un)\s*(?:operat\w*|work\w*|avail\w*"
            r"|access\w*|function\w*|recover\w*|restor\w*|up\b|usable)"
        ),
    ),
    (
        Assertion.BROKEN,
        r"\b(?:stopp?(?:s|ed)?|ceas(?:e|es|ed))\s+(?:to\s+)?(?:work|respond|load|function|operat|process|answer)\w*",
    ),
    (
        Assertion.BROKEN,
        r"\bno\s+(?:access|response|data|connectivity|connection|results?|output)\b|\b(?:has|have)\s+yet\s+to\b",
    ),
    (Assertion.BROKEN, rf"(?:{_NOT}|\bcannot|\bno\s+longer)\s+{_ADVERBS}{_CAN}"),
    (Assertion.BROKEN, rf"\b(?:unable|fail(?:s|ed|ing|ures?)?)\s+to\s+{_ADVERBS}{_CAN}"),
    (Assertion.SPARED, rf"{_NOT}\s+(?:\w+\s+){{0,2}}?any\s+(?:\w+\s+)?{_TROUBLE}"),
    (Assertion.SPARED, r"\bun(?:affected|impacted|impaired|related|touched|harmed)\b|\brul(?:es?|ed|ing)\s+out\b"),
    (Assertion.SPARED, r"\b(?:excluded|exempt(?:ed)?|isolated|independent|separate)\s+from\b|\bspared\b"),
    (Assertion.SPARED, rf"\b(?:no|without|zero|free\s+of|free\s+from)\s+(?:\w+\s+){{0,2}}?{_TROUBLE}"),
    (Assertion.SPARED, r"\bnothing\s+(?:is\s+)?wrong\b"),
    (Assertion.SPARED, rf"{_NOT}\s+(?:at\s+fault|to\s+blame|responsible|the\s+(?:cause|source|reason))\b"),
    (
        Assertion.SPARED,
        rf"\b(?:should|can|will|could)\s+{_ADVERBS}(?:work\w*|usable|access\w*|available|used?|function)\b",
    ),
    # Recovered.
    (Assertion.RECOVERED, rf"\b(?:ha(?:s|ve|d)|is|are|was|were|now)\s+{_ADVERBS}(?:recovered|restored|resolved)\b"),
    (
        Assertion.RECOVERED,
        rf"\b(?:ha(?:s|ve|d)|is|are|was|were|now)\s+{_ADVERBS}(?:fixed|mitigated|remedied|stabili[sz]ed)\b",
    ),
    (Assertion.RECOVERED, r"\bback\s+(?:to\s+(?:normal|working|full|pre)|up\b|online|in\s+service)"),
    (Assertion.RECOVERED, r"\b(?:is|are|now|fully|came|come)\s+back\b|\bresumed\b|\brecovered\b"),
    (
        Assertion.RECOVERED,
        (
            rf"{_TROUBLE}(?:\s+(?:to|on|in|with|of|for)\s+(?:the\s+)?\u25a0+)?\s+(?:(?:has|have)\s+{_ADVERBS}"
            r"(?:ended|stopped|ceased|subsided|cleared|disappeared|gone)|(?:is|are)\s+(?:now\s+)?over)\b"
        ),
    ),
    (
        Assertion.RECOVERED,
        r"\b(?:available|working|works?|operational|online|healthy|accessible|up)\s+(?:properly\s+)?again\b",
    ),
    (Assertion.RECOVERED, rf"\breturned\s+to\s+{_NORMAL}|\bha(?:s|ve)\s+(?:\w+ly\s+)?returned\b"),
    (Assertion.NAMED, rf"\breturn(?:ing)?\s+to\s+{_NORMAL}|\brecovering\b|\b(?:is|are)\s+(?:\w+ly\s+)?improving"),
    (Assertion.RECOVERED, rf"\b(?:is|are)\s+now\s+(?:\w+ly\s+)?{_UP}"),
    # Never affected.
    (Assertion.RECOVERED, r"\bwithin\s+(?:normal|expected|usual)\s+\w+|\ball[\s-]clear\b"),
    (Assertion.SPARED, rf"\b(?:work|operat|function|perform)\w*\s+(?:to\s+)?(?:\w+\s+)?{_FINE}"),
    (
        Assertion.SPARED,
        rf"\b(?:proceed|run|process|continu|behav|respond|answer|serv)\w*\s+(?:to\s+)?(?:\w+\s+)?{_FINE}",
    ),
    (Assertion.SPARED, rf"\b(?:remain(?:s|ed)?|are|is|be|was|were|stays?|still)\s+{_ADVERBS}{_UP}"),
    (Assertion.SPARED, rf"\bcontinu\w*\s+to\s+(?:work|operate|function)\b(?!{_ON})"),
    (Assertion.SPARED, rf"\b(?:is|are|was|were)\s+(?:still\s+|all\s+)?(?:fine|ok|okay|working(?!{_ON}))\b"),
    (Assertion.SPARED, r"\bnothing\s+to\s+do\s+with\b|\bsafe\s+(?:to|again)\b"),
    (Assertion.SPARED, r"(?<=\u25a0)\s+(?:normal|operational|ok(?:ay)?|available|fine|up|green)\b(?=\s*(?:$|[.,;\n]))"),
    (Assertion.RECOVERED, r"(?<=\u25a0)\s+(?:recovered|restored|resolved|fixed)\b(?=\s*(?:$|[.,;\n]))"),
    # Trouble.
    (Assertion.BROKEN, r"\berror\w*|\boutages?\b|\bdegr[ae]d\w*|\bunavailab\w*|\binaccessib\w*|\bunable\b|\bfail\w*"),
    (
        Assertion.BROKEN,
        r"\bdown(?!grad|load|stream|time\s+window|\s+to\b)\w*|\blatenc\w*|\bslow\w*|\btim(?:e|ing)[\s-]*outs?",
    ),
    (
        Assertion.BROKEN,
        r"\bissues?\b|\bproblems?\b|\bimpact\w*|\baffect\w*|\belevated\b|\bincreas\w*|\btrouble\b|\bincident",
    ),
    (
        Assertion.BROKEN,
        r"\bdisrupt\w*|\binterrupt\w*|\bmissing\b|\bintermittent\w*|\bdifficult\w*|\bincorrect\w*|\bdelay\w*",
    ),
    (Assertion.BROKEN, r"\bstuck\b|\bunexpected\w*|\bcannot\b|can't\b|\bcould\s*n[o']t\b|\bbroken\b|\bunresponsive\b"),
    (
        Assertion.BROKEN,
        r"\b[45](?:\d\d|xx)s?\b|\bloss\s+of\b|\blost\b|\bprevent\w*|\bcrash\w*|\bblock\w*|\bhang\w*|\bhung\b",
    ),
    (
        Assertion.BROKEN,
        r"\babnormal\w*|\breduc\w*|\bhigh\s+(?:error|latency|failure)|\bdrop\w*|\bgarbled\b|\bunstable\b",
    ),
)
PHRASE_PATTERN = re.compile("|".join(f"(?P<c{i}>{pattern})" for i, (_, pattern) in enumerate(PHRASES)), re.IGNORECASE)

# Only what is named is affected.
ONLY_AFFECTS = re.compile(
    r"(?<!not )\bonly\s+(?:(?:seem|appear)s?\s+to\s+|be\s+)?(?:affect(?:s|ing)?|impact(?:s|ing)?|applies|relates?)\b"
    r"|\b(?:affect|impact)\w*\s+(?:only|solely|exclusively)\b|\b(?:solely|exclusively)\b"
    r"|(?<!not )\b(?:limited|isolated|confined|restricted|scoped)\s+(?:only\s+)?to\b"
    r"|(?<!not )\bonly\s+(?=[^.]{0,60}\b(?:is|are|was|were)\s+(?:affected|impacted|down|unavailable)\b)",
    re.IGNORECASE,
)

# Advice, causes and descriptions: a surface named in these is not said to be affected.
ADVICE = re.compile(
    r"\b(?:please|we\s+recommend|recommended|work\s?around|as\s+an?\s+alternative|in\s+the\s+meantime|instead\s+use"
    r"|which\s+(?:is|are)\s+(?:required|needed|necessary|used)\s+(?:for|to|in|by)"
    r"|you\s+(?:can|may)\s+(?:also\s+)?(?:use|try|access|bypass)"
    r"|you\s+can\s+(?:also\s+)?(?:follow|check|find|read|track|verify|view)"
    r"|(?:should|need\s+to|may\s+have\s+to|must|try|by)\s+(?:\w+ly\s+)?(?:log|sign|refresh|retry|restart|clear|us)\w*"
    r"|need\s+not|no\s+(?:customer\s+|user\s+|further\s+)?action)\b",
    re.IGNORECASE,
)
CAUSE = re.compile(
    r"\b(?:due\s+to|caused\s+by|because\s+of|as\s+a\s+result\s+of|stem(?:s|ming)\s+from|triggered\s+by)\b",
    re.IGNORECASE,
)
# Between two names of surfaces: the second is where the first is reached or used.
ROUTE = re.compile(
    r"(?:\s+(?:accessed|reached|used|called|run|started|built|downloaded|installed|deployed))?\s+(?:via|through|from\s+within|in|inside)"
    r"|\s+(?:accessed|reached|called|started|downloaded|installed)\s+(?:from|by)"
    r"|\s+(?:comments?|reviews?|summar(?:y|ies)|suggestions?|checks?|events?|results?)\s+(?:on|for|of)",
    re.IGNORECASE,
)
# Directly before a name, beside others: what it needs, protects, or what was changed.
IN_PASSING = re.compile(
    r"(?:\b(?:those|ones?)\s+(?:on|of|in|for|with)"
    r"|\b(?:rel(?:y|ies|ying)|depend(?:s|ing)?|builds?|built|based)\s+(?:up)?on"
    r"|\bto\s+(?:protect|relieve|shield|unload)"
    r"|\b(?:change|changes|update|upgrade|migration|deployment|release)\s+(?:to|of|in|for|on))\s+(?:(?:the|our)\s+)*$",
    re.IGNORECASE,
)

# Boilerplate: a surface named in where to read, ask or subscribe is not said to be affected, unless that is what fails.
FOOTER = re.compile(
    r"\b(?:subscrib(?:e|ing)\b|unsubscribe|sign\s+up\s+for|follow\s+(?:us|our|along)|(?:visit|refer\s+to)\b"
    r"|(?<!we )see\s+(?:our|this|more|details|the\s+(?:post|page|status|doc\w*|guide|article|report|link))\b"
    r"|(?:learn|read|find\s+out)\s+more|for\s+(?:more|further|additional|full)\s+\w+"
    r"|contact(?:ing)?\s+(?:us|our|your|the|support|customer)|reach(?:ing)?\s+out|(?:open|raise|submit|file|create)\s+an?\s+"
    r"(?:support\s+)?(?:ticket|case|request)|track\s+(?:the\s+)?progress|(?:post|give|share|publish|provide)\s+(?:\w+\s+)?updates"
    r"|stay\s+(?:informed|up\s+to\s+date)|notif(?:y|ied|ications?)\s+(?:\w+\s+){0,3}?(?:via|through|in|by)\b"
    r"|thank(?:s|\s+you)|apologi[sz]e)",
    re.IGNORECASE,
)

SENTENCE_END = re.compile(r"[.!?]\s|\n")
# Where a closing text turns from what was affected to why, and to what is done about it.
REVIEW = re.compile(
    r"\b(?:caused\s+by|(?:root\s+|the\s+)cause\b|due\s+to|as\s+a\s+result|result(?:ed|ing)\s+from|stemm\w+\s+from|trac(?:ed|ked)\s+to"
    r"|we\s+(?:have\s+|had\s+|were\s+)?(?:mitigat\w+|detect\w+|identif\w+|restor\w+|resolv\w+|rolled|revert\w+|discover\w+|found)"
    r"|(?:issue|incident|impact|problem)\s+(?:was|were|has\s+been|is)\s+(?:\w+\s+)?(?:mitigated|resolved|caused)"
    r"|(?:we|teams?)\s+(?:are|will|plan)\b|to\s+(?:prevent|avoid|reduce)\b|in\s+(?:the\s+)?future|going\s+forward)",
    re.IGNORECASE,
)

# Before a word that something works: it is a wish, a condition, a doubt or the past, and says nothing about now.
NOT_NOW = re.compile(
    r"\b(?:once|until|till|when(?:ever)?|whether|if|unless|as\s+soon\s+as|so\s+that|in\s+order|before|previously|formerly"
    r"|earlier|initially|at\s+first|originally|thought|believed|assumed|hop(?:e|ing)|expect\w*|aim\w*|plan\w*|intend\w*"
    r"|tr(?:y|ying)|attempt\w*|eventually|would|used\s+to|^\s*were\b|"
    r"(?:to|and)\s+(?:confirm|verify|ensure|check|validate|make\s+sure|see|determine|get|bring|make|keep|have|monitor)"
    r"|(?:confirm|verify|ensur|check|validat|mak|bring|gett|keep|test)ing"
    r"|(?:no\s+longer|not|n't|cannot|unable\s+to|never)\s+(?:\w+\s+)?(?:believ|think|consider|say|sure|certain|guarantee|assum"
    r"|confirm|claim|know|true|correct|the\s+case)\w*|unclear|unsure|unknown|wrong(?:ly)?|incorrectly|mistaken(?:ly)?)\b",
    re.IGNORECASE,
)
PAST = re.compile(r"\b(?:previously|formerly|earlier|initially|originally|at\s+first)\b", re.IGNORECASE)
# After a word that something works: until when it did, or when it will.
NOT_YET = re.compile(
    r"^\s*(?:\w+\s+){0,2}?(?:until|till|up\s+to|earlier|initially|at\s+first|previously)\b|^\s*(?:again\s+)?(?:shortly|soon|later|tomorrow|eventually|once|when|after"
    r"|within|in\s+(?:the\s+(?:next|coming)|about|approximately|\d)|by\s+(?:the\s+end|\d+|noon|tomorrow|later))\b",
    re.IGNORECASE,
)
# After a word that something works: how little of it does, for how long it did, or that it failed again.
LIMITED = re.compile(
    r"^\s*,?\s*(?:(?:normally|well|fine)\s+)?(?:(?:only\s+)?(?:intermittently|briefly|sporadically|at\s+times|sometimes|read[\s-]only|yesterday|last\s+\w+)\b"
    r"|in\s+(?:a\s+|an\s+)?(?:\w+ly\s+)?(?:degraded|limited|reduced|maintenance|read[\s-]only|restricted)\b"
    r"|(?:only\s+)?for\s+(?:reads?|writes?|reading|writing|a\s+(?:few|short|while|moment|minute)|\d+\s+min\w*)\b"
    r"|with\s+(?!no\b)(?:\w+\s+)?(?:errors?|problems?|issues?|delays?|latency|limit\w*|reduced|restrict\w*|degraded|capacity)\b"
    r"|(?:again,?\s+)?at\s+(?:(?:a|an|only|about|half|one)\s+)*(?:\d+\s*%|reduced|limited|lower|tenth|quarter|third|half|fraction|part)"
    r"|by\s+(?:about\s+)?\d+\s*(?:%|percent))",
    re.IGNORECASE,
)
RELAPSED = re.compile(
    r"\b(?:fail\w*|brok?e\w*|down|degrad\w*|crash\w*|slow\w*|errors?|issues?|problems?|outage|unavailable|stopped)\b"
    r"(?:\s+\w+){0,4}?\s+(?:again|returned|back|reappear\w*|recur\w*)\b"
    r"|\bha(?:s|ve)\s+(?:since\s+)?(?:returned|come\s+back|reappeared|recurred|relapsed)\b",
    re.IGNORECASE,
)
CAME_BACK = re.compile(r"(?:ha(?:s|ve)|is|are|came|come)\s+(?:\w+ly\s+)?(?:returned|back)", re.IGNORECASE)
TROUBLE = re.compile(rf"\b{_TROUBLE}(?!\s+rates?\b)", re.IGNORECASE)
TO_NORMAL = re.compile(r"\s+(?:to|below|under|within|down|at)\b", re.IGNORECASE)
# Before a word for trouble: there is none.
DENIED = re.compile(
    r"\bno\s+(?:\w+\s+){0,2}?(?:evidence|indications?|signs?|reports?|reason\s+to)\b|\bat\s+no\s+(?:point|time)\b"
    r"|(?:\bnot|n't|\bnever)\s+(?:\w+\s+){0,2}?(?:believe|think|expect|evidence|indications?|signs?\s+of|reports?)\b"
    r"|(?:\bnot|n't)\s+(?:\w+ly\s+)?aware\s+of\b|\bnot\s+the\s+case\b|\bnot\s+(?:a|an)\s+$|(?:\bnot|n't)\s+(?:\w+\s+)?(?:see|seen|seeing|observ\w+|receiv\w+|detect\w*)\b",
    re.IGNORECASE,
)
NEGATED_SUBJECT = re.compile(
    r"\b(?:neither|no|none\s+of|without|zero)\s+(?:(?:of|the|our|any|these|other)\s+)*$"
    r"|\b(?:no|none\s+of\s+the|none\s+of\s+our)\s+other\s+\w+,?\s+(?:including|such\s+as|like|e\.g\.)\s+(?:the\s+)?$",
    re.IGNORECASE,
)

# Only a part of what is named: "most", "self-hosted", "EU" before it; "for Enterprise users", "in Europe" after it.
_PART_HEADS = (
    r"(?:users?|customers?|clients?|org(?:ani[sz]ation)?s?|accounts?|workspaces?|tenants?|subscribers?|plans?|tiers?|regions?"
    r"|data\s?cent(?:er|re)s?|countr(?:y|ies)|zones?|locations?|models?|versions?|endpoints?|runners?|labels?|repos(?:itories)?"
    r"|sessions?|connections?|requests?|traffic|deployments?|projects?|instances?|clusters?|browsers?|devices?|networks?|teams?"
    r"|Europe|Asia|America|EU|US|USA|UK|APAC|EMEA|Americas|Japan|Germany|India|Australia|Enterprise|Business|Government"
    r"|\w{2}-\w+-\d\w?|SSH|HTTPS?|IPv[46])"
)
PART_BEFORE = re.compile(
    r"(?:\b(?:other|most|many|some|certain|several|few|existing|remaining|older|newer|new|old|cached|legacy|read-only|paid|free"
    r"|enterprise|business|internal|external|public|private|European|US|EU|UK|APAC|EMEA|\w+-hosted|hosted|v\d+)"
    r"|\b\d+\s*(?:%|percent)\s+of(?:\s+(?:the|our|all))?|\b(?:the\s+)?(?:rest|subset|majority|portion|parts?|half|aspects?|features?|areas?)\s+of(?:\s+(?:the|our))?)"
    r"\s+(?:\w+\s+)?$",
    re.IGNORECASE,
)
PART_AFTER = re.compile(
    r"\b(?:for|in|on|outside|from|via|using|with|across|to|within|by|through|over|of)\s+"
    r"(?!(?:all|every|any|each|both|everyone)\b)(?:[\w\-]+\s+){0,3}?" + _PART_HEADS + r"\b"
    r"|\b(?:except|apart\s+from|aside\s+from|other\s+than|but\s+not|partial\w*|mostly|largely)\b",
    re.IGNORECASE,
)
WHOLE_AFTER = re.compile(r"\b(?:all|every|any|each|both|everyone|everywhere)\b", re.IGNORECASE)
# "Access to the API" is the API; "SSH connections to Codespaces" is a part of Codespaces.
WHOLE_HEAD = re.compile(
    r"^\s*(?:\w+ly,?\s+|meanwhile,?\s+)*(?:(?:the|all|any|our|and|that|both)\s+)*"
    r"(?:\w+\s+)?(?:requests|traffic|access|calls|users|customers|use|usage|performance|availability|operations|functionality"
    r"|responses|rates?|latenc(?:y|ies)|errors?|levels?|issues?|problems?|impact)"
    r"\s+(?:to|of|for|on|in|from|with|across)\s+(?:(?:the|our|both|all)\s+)*$",
    re.IGNORECASE,
)
# "R2 reads are unaffected": a noun after the name, unless it means the whole of it.
PART_NOUN = re.compile(
    r"^\s+(?!(?:is|are|was|were|has|have|had|remains?|continues?|will|would|should|can|could|may|do|does|did|works?|stays?|and|or"
    r"|but|nor|which|that|who|to|for|in|on|at|of|with|by|from|as|also|both|all|itself|now|still|not|never|ever|been|be|via|since"
    r"|services?|requests?|traffic|users?|customers?|operations?|systems?|platforms?|sites?|website|apps?|performance|availability"
    r"|functionality|access|usage|calls?|API|APIs|status|impact|issues?|problems?|errors?|outages?|latency|incident|responses?|product|components?|surface|\w+ly|\w+ed|\w+ing)\b)"
    r"[\w\-]+\s+(?:(?:and|or)\s+[\w\-]+\s+)?(?:is|are|was|were|has|have|remains?|continues?|works?)\b",
    re.IGNORECASE,
)
NOUN_BEFORE_NAME = re.compile(r"[\w\-\u25a0]\s+(?:to|of|for|on|in|from|within|between)\s+(?:(?:the|our|both|all)\s+)*$")
OPERAND = re.compile(
    r"\s*(?:(?!and|or|nor|but|plus)[\w\-]+\s+)?(?:to|of|for|on|in|from|via|over|through|within)\s+(?:(?:the|our|both|all)\s+)*\u25a0"
)

# "Not affected: A, B" and "A: recovered" are one statement each.
HEADING = re.compile(
    r"(?:\b(?:not|un)[\s\-]?(?:affected|impacted)(?:\s+(?:services?|products?|components?|features?))?\s*:)(?=\s)"
    r"|(?<=\u25a0)(?::|\s[\u2013\u2014-])(?=\s[^\u25a0.;\n]*(?:[.;\n]|$))",
    re.IGNORECASE,
)

# "The API is up, but slow": a clause that names nothing takes back what the clause before it said.
TAKEN_BACK = re.compile(
    r"\bdown\b|\bun(?:usable|reachable|responsive)\b|\bbrok\w+|\bcrash\w*|\bagain\b|\bslow\w*|\blatenc\w*|\berrors?\b|\bfail\w*|\bdelay\w*|\bdegrad\w*|\bintermittent\w*|\bunavailab\w*|\btime\w*\s?outs?"
    r"|\belevated\b|\bnot\s+(?:fully|yet|completely|all)\b|\bunstable\b",
    re.IGNORECASE,
)
OTHER_SUBJECT = re.compile(r"\b(?:elsewhere|others?|we\s+are|we're|investigat\w*|working|monitor\w*)\b", re.IGNORECASE)

# "All services except the API", "the login and not the API", "claude.ai rather than the API".
EXCEPT = re.compile(
    r"(?:\bexcept(?:\s+for)?|\bexcluding|\bother\s+than|\bapart\s+from|\baside\s+from|\bwith\s+the\s+exception\s+of"
    r"|\bexcludes?|\brather\s+than|\binstead\s+of|\bunlike|\bas\s+opposed\s+to|\bin\s+contrast\s+(?:to|with)|(?:,|\band|\bbut)\s*not)"
    r"\s+(?:(?:the|our|on|for|in|to)\s+)*$",
    re.IGNORECASE,
)
NONE_BUT = re.compile(r"\b(?:no|none|nothing|no\s+one|neither)\b", re.IGNORECASE)
NEGATED = re.compile(r"(?:\bnot|n't|\bnever|\bno\s+longer)\s+(?:\w+ly\s+|been\s+)?$", re.IGNORECASE)
# "Users are not affected by the API errors": what affects them is broken.
AFFECTED_BY = re.compile(
    r"\b(?:affected|impacted|hit|touched)\s+by\s+(?:(?:the|our|this|these|any)\s+)*$", re.IGNORECASE
)
# "A, which had recovered, is failing again".
RELATIVE = re.compile(r"\s*,\s*(?:which|that|who)\b[^,]*,", re.IGNORECASE)
# "A works, B does not": the opposite, where the clause says of what.
NEGATED_AUXILIARY = re.compile(r"^\s*(?:do|does|did|has|have|had|can)\s*(?:not|n't)\s*[.,;]?\s*$", re.IGNORECASE)
NEGATED_PREDICATE = re.compile(r"^\s*(?:is|are|was|were)\s*(?:not|n't)\s*[.,;]?\s*$", re.IGNORECASE)

# Wording that goes with more relapses: 16.7 % within the hour against 5.7 %
# (bot/docs/verdict-rules.md#residual-errors).
RESIDUAL = re.compile(
    r"\b(?:begin\w*|start\w*)\s+to\s+(?:\w+\s+)?(?:recover|see|return|improve|normali[sz]e)"
    r"|\bstill\s+(?!monitor|investigat|work|continu|keep)\w+|\bremain\w*\s+(?:\w+\s+)?(?:elevated|degraded|high|slow)"
    r"|\bsome\s+(?:\w+\s+)?(?:users|customers|requests|errors|models)|\bgradual\w*|\bslowly\b|\bpartial\w*"
    r"|\blingering\b|\bresidual\b|\bintermittent\w*|\bmay\s+(?:still\s+|continue\s+to\s+)?(?:see|experience|encounter)"
    r"|\b(?:low|slightly|small)\s+(?:\w+\s+){0,2}elevated|\bnot\s+(?:yet|fully)\b|\brecovering\b"
    r"|\bcontinu\w*\s+(?:to\s+)?(?:see|have|having|experienc\w*|fail\w*)",
    re.IGNORECASE,
)
