"""Words and patterns that the readers of free style share, over the template of a sentence's pieces."""

from __future__ import annotations

import re

from pytrace_mono.verify.reading import shapes

NAME = r"«[n]\d+»"


SUBJECT = r"«[nec]\d+»"


LITERAL = r"«v\d+»"


OPERAND = r"«[nev]\d+»"


NUMBER_WORD = (
    rf"(?:{'|'.join(shapes.WORDS[1:])}|zero)\b"
    r"(?=\W*$| ?[.,;:)!\u2014-]| (?:and|now|so|at|after|again|then|because|since|when|but|as|too|here|there|in)\b)"
)


NOT_A_VALUE = (
    r"(?! (?!(?:and|so|now|at|after|again|then|because|since|when|but|as|too|here|there|in|which|while|is|"
    r"are|was|before|on|this|that|with|for|by|from|we|it|he|she|they|making|giving|leaving|once|still|also|"
    r"already|instead|not|if|the|their|its|just|right|yet|afterwards|afterward|finally|next|first|until|"
    r"without|exactly|initially|both|where|whereas|who|only|immediately|today|straight|back|upon|during|due|"
    r"inside|outside|meaning|means|though|although|even|i|a|an|my|his|her|does|do|has|gets|goes|becomes|"
    r"returns?|returned|plus|therefore|thus|hence|thanks|per|via|through|throughout|all|no|yes|each|every|"
    r"let|another|next|lo|hi|ok|okay|good|great|fine|done|nothing|nice|whose|later|anyway|altogether|yields)\b)"
    r"[a-z])(?! (?:or|each|in a row|at a time|by \u00ab)\b)"
    r"(?! «[nvec])(?!(?:,|,? and|,? or) (?:then )?«v)(?! ?(?:[+*/%<>]|-(?!>)) ?)"
)


VALUE = rf"(?:(?:an? |the )?(?:new |fresh )?(?:empty (?P<empty>string|list|dict|dictionary|set|tuple))|{LITERAL}|{NUMBER_WORD}){NOT_A_VALUE}"


LINK = (
    r"is|are|was|were|be|becomes?|became|becoming|being|equals?|equal|gets?|got|goes|went|going|moves?|"
    r"moved|jumps?|drops?|dropped|rises?|grows?|grew|climbs?|falls?|shrinks?|turns?|turned|takes?|took|"
    r"reads?|reach(?:es|ed)?|comes?|came|makes?|made|stands?|starts?|started|begins?|began|stays?|"
    r"stayed|remains?|remained|left|leaves|holds?|held|contains?|contained|has|have|had|ends?|ended|"
    r"set|updated|reset|initiali[sz]ed|incremented|decremented|increased|decreased|increases|decreases|"
    r"reduced|raised|lowered|bumped|changed|changes|advanced|advances|assigned|bound|computed|"
    r"evaluates|works|looks|gives|yields|produces|results|returns|now|then|again|still|also|both|each|"
    r"therefore|thus|so|just|only|simply|already|finally|once|currently|exactly|in|turn|"
    r"to|at|as|with|into|up|down|on|off|out|back|like|the|value|a|list|string|set|tuple|dict|actually|"
    r"initially|indeed|instead|even|here|there|all|settles|lands|sits|stepped|steps|bumps|slides|counts|"
    r"shows?|updates|flips|flipped|switches|switched|shrunk|grown|gone|total|too|always|merely|hits|whole|"
    r"continues|keeps|kept|rebound|replaced|int|float|integer"
)


VERB = (
    r"(?:is|are|was|were|be|becomes?|became|becoming|being|equals?|gets?|got|goes|went|moves?|moved|"
    r"jumps?|drops?|dropped|rises?|grows?|grew|climbs?|falls?|shrinks?|turns?|turned|takes?|took|reads?|"
    r"reach(?:es|ed)?|comes?|came|makes?|stands?|starts?|started|begins?|began|stays?|stayed|remains?|"
    r"remained|left|holds?|held|contains?|has|had|have|ends?|ended|set|updated|reset|initiali[sz]ed|"
    r"increases|decreases|advances|evaluates|works|gives|yields|now|changes|settles|lands|sits|slides|"
    r"steps|bumps|counts|updates|flips|switches|hits|keeps|continues)"
)


GAP = rf"(?: (?:{LINK}))*? {VERB}(?: (?:{LINK}))*?"


SYMBOL = r" ?(?:=|==|\u2248|:|->|=>|\u2192|\u27f6|:=|<-|\u2190)(?: (?:now|then|is))?"


CHANGE = re.compile(
    r"becom|became|\bgoes|\bgot|\bgets|moves|jump|drop|rise|grow|climb|fall|shrink|turns|now|updated|"
    r"incremented|decremented|increase|decrease|reduced|raised|lowered|bump|changed|changes|advance|"
    r"->|\u2192|to\b|set\b"
)


EARLY = re.compile(r"^with |\b(?:was|were|had|start|begin|before|initially|so far|already)")


YES = (
    r"(?:[Tt]rue|[Yy]es(?=\W*(?:[.,;:)!?\u2192\u21d2]|->|=>|$| so\b| \u2014))|[Yy]ep|holds?|held|succeeds?|succeeded|passes|passed|satisfied|met|okay|ok|"
    r"the case|correct|it does|it is)\b|[\u2713\u2714\u2705]"
)


NO = (
    r"(?:[Ff]alse|[Nn]o(?=\W*(?:[.,;:)!?\u2192\u21d2]|->|=>|$| so\b| \u2014))|[Nn]ope|[Nn]ah|fails?|failed|does not hold|doesn't hold|not true|not satisfied|"
    r"not met|isn't true|not the case|it does not|it doesn't|it isn't|it is not)\b|[\u2717\u2718\u00d7\u274c]"
)


TYPES = {
    "int": "int", "integer": "int", "float": "float", "string": "str", "str": "str", "list": "list",
    "tuple": "tuple", "dict": "dict", "dictionary": "dict", "set": "set", "bool": "bool",
    "boolean": "bool",
}  # fmt: skip


TYPE = rf"(?P<type>{'|'.join(TYPES)})(?:s)?\b"


PART = re.compile(
    r"\b(?:of|to|from|with|for|by|at|than) (?:the|its) (?:(?:current|present|new|old|given|updated|stored|next) )?$|"
    r"(?:[-+*/.]|\bnot )$|"
    r"\b(?:of|plus|minus|times|between|than|from|over|versus) (?:the )?$|\b(?:on|in|at|into|behind|inside) the $|"
    r"\b(?:sum|product|difference|of|between|both|max|min) (?:\S+ ){1,4}(?:and|or) (?:the )?$"
)
"""Words that make what follows a part of what is spoken of."""
