"""Column headings of dose tables, as in NONMEM, Monolix and clinical data, and what is done with each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

READ = {
    "ID": """ID CID SID NMID SUBJID USUBJID USUBJ SUBJ SUBJECT SUBJECTID SUBJECTNO SUBJECTNUMBER SUBJECTNR SUBJNO SUBJNR
        PATIENT PATIENTID PATIENTNO PATID PATNO PAT PTID PTNO PT PERSON PERSONID PARTICIPANT PARTICIPANTID PARTID
        VOLUNTEER ANIMAL ANIMALID""",
    "TIME": "TIME TIMEH TIMEHR TIMEHRS TIMEHOUR TIMEHOURS HOUR HOURS",
    "AMT": "AMT AMTMG AMOUNT AMOUNTMG DOSE DOSEMG DOSEAMT DOSEAMOUNT EXDOSE",
    "RATE": "RATE RATEMGH INFRATE INFUSIONRATE",
    "TINF": "TINF TINFH DUR DURH DURATION DURATIONH INFDUR INFUSIONDURATION INFUSIONTIME",
    "II": "II TAU INTERVAL DOSINGINTERVAL INTERDOSEINTERVAL",
    "ADDL": "ADDL",
    "SS": "SS",
    "EVID": "EVID",
    "CMT": "CMT COMPARTMENT",
    "C": "C I",
}
"""What is read, under the spellings that are read as it: without blanks, points, lines and brackets, in any case."""

PASSED = {
    "observations": """DV MDV LDV LNDV LOGDV CONC CONCENTRATION CP Y YOBS OBS DVID YTYPE YNAME YID CENS LIMIT LLOQ LOQ
        BLQ BLOQ BQL OUT OUTEQ PRED IPRED RES WRES CWRES IWRES NPDE AVAL""",
    "other clocks": "TAD TAFD TSLD TALD TPD NTIME NOMTIME NTAD NTAFD NTPD ATPTN",
    "covariates": """WT WEIGHT BW BODYWEIGHT BWT WTBL AGE SEX GENDER HT HEIGHT BMI BSA LBM FFM IBW CRCL CLCR EGFR
        GFR SCR CREAT CREATININE ALB ALT AST BILI RACE ETHNIC ETHNICITY FED FOOD FORM OCC PERIOD VISIT SEQUENCE
        TRT TREATMENT ARM GRP GROUP COHORT DOSEGROUP DOSEGRP NOMDOSE""",
    "labels": """STUDY STUDYID STUD SITE SITEID CENTER CENTRE ROW ROWID REC RECNO NUM LINE SEQ EXSEQ COM COMMENT
        COMMENTS NOTE NOTES""",
}
"""Columns that are ignored, and listed as ignored: they say nothing about the doses."""

_DATES = "dates are not supported: write TIME, in hours from the start of the phase"
_DAYS = "days are not supported: TIME counts all hours from the start of the phase"
_MODEL = "belongs to the drug, not to a record: set it in [drug.NAME]"
_OTHER = "is not supported: write what it changes about a dose in TIME, AMT, RATE, TINF, II, ADDL, SS, EVID or CMT"
_FLAGS = "to leave out rows, put a C or an I in a column of that name, or # before them; remove the rows or the column"
_ROUTES = "routes are not supported: write CMT, the number of the compartment"
_MODELLED = "rates and durations from the model are not supported: write RATE or TINF"

REFUSED = {
    _DATES: """DATE DAT1 DAT2 DAT3 DATETIME DATEHOUR DTC DTM ADTM TIMESTAMP CLOCK CLOCKTIME EXSTDTC EXENDTC EXSTDTM
        STARTDATE ENDDATE DOSEDATE EXSTTM""",
    _DAYS: "DAY DAYS STUDYDAY VISITDAY DOSEDAY EXSTDY EXENDY",
    _MODEL: """F F0 F1 F2 F3 FREL BIO BIOAV BIOAVAIL BIOAVAILABILITY LAG LAGT LAGTIME TLAG ALAG ALAG1 ALAG2 ALAG3""",
    _MODELLED: "R1 R2 R3 D1 D2 D3 DUR1 DUR2 RAT1 RAT2 RATE1 RATE2 MODE",
    _OTHER: """L1 L2 PCMT CALL CONT MRG RAW RPT XVID XVID1 XVID2 XVID3 XVID4 XVID5 REPL UNTIL NDOSES NDOSE ADM ADMID
        ADMIN INPUT METHOD PHYS PHYSTIME FREQ EXDOSFRQ FREQUENCY MISSED""",
    _ROUTES: "ROUTE EXROUTE ADMINISTRATION",
    _FLAGS: "EXCL EXCLUDE EXCLUDED EXCLUSION EXCLF EXCLFLAG IGNORE IGN DROP SKIP DEL DELETE DELETED FLAG OMIT",
}
"""Columns that are refused where a cell is not empty, by the reason."""

ZERO_IS_NOTHING = {
    *REFUSED[_FLAGS].split(),
    *REFUSED[_OTHER].split()[:14],
    *(name for name in REFUSED[_MODEL].split() if "LAG" in name),
}
"""Refused columns in which 0 counts as empty: flags, lags, and the reserved words of NONMEM up to XVID5."""

UNITS = {
    "TIME": "TIMEU TIMEUNIT TIMEUNITS",
    "AMT": "UNIT UNITS AMTU AMTUNIT AMTUNITS DOSEU DOSEUNIT DOSEUNITS EXDOSU",
    "RATE": "RATEU RATEUNIT RATEUNITS",
}
"""Columns that name the unit of a column; refused where the unit is not the expected one."""
SAYINGS = {
    "TIME": ("h", "hr", "hrs", "hour", "hours"),
    "AMT": ("mg",),
    "RATE": ("mg/h", "mg/hr", "mg/hour"),
    "TINF": ("h", "hr", "hrs", "hour", "hours"),
    "II": ("h", "hr", "hrs", "hour", "hours"),
}
"""How the unit of a column may be written."""

SINGLE = ("DRUG", "DRUGID", "DRUGNAME", "COMPOUND", "EXTRT")
"""What names the drug: refused where it names more than one."""

NEAR = ("AMT", "RATE", "TINF", "DURATION", "INFUS", "ADDL", "EVID", "CMT")
"""Beginnings of headings that only look like known ones: a column in millilitres per hour is no RATE."""

_BRACKETS = re.compile(r"[\(\[](?P<unit>[^)\]]*)[\)\]]\s*$")
_FILLING = re.compile(r"[\s._\-#@]+")


@dataclass(frozen=True)
class Word:
    """A column's heading.

    Attributes
    ----------
    fate : str
        "read", "passed", "refused", "single" (one value in all records), "unit", or "unknown".
    name : str
        What it is read as; else the heading itself.
    why : str
        Why it is ignored or refused; for "unit" the column whose unit it names.
    unit : str
        The unit in brackets behind the heading.
    """

    text: str
    fate: str
    name: str
    why: str = ""
    unit: str = ""
    bare_heading: str = ""


def word(heading: str) -> Word:
    """Return what is done with a column of this heading."""
    text = heading.strip().strip("'\"").strip().lstrip("#@").strip()
    bracket = _BRACKETS.search(text)
    unit = bracket["unit"].strip() if bracket else ""
    bare_heading = _FILLING.sub("", text[: bracket.start()] if bracket else text).upper()

    def made(fate: str, name: str = text, why: str = "") -> Word:
        return Word(text, fate, name, why, unit, bare_heading)

    groups: tuple[tuple[str, dict[str, str], Callable[[str], Word]], ...] = (
        ("read", READ, lambda key: made("read", key)),
        ("passed", PASSED, lambda key: made("passed", why=key)),
        ("refused", REFUSED, lambda key: made("refused", why=key)),
        ("unit", UNITS, lambda key: made("unit", why=key)),
    )
    for _, words, make in groups:
        for key, spellings in words.items():
            if bare_heading in spellings.split():
                return make(key)
    if bare_heading in SINGLE:
        return made("single")
    near = next((name for name in NEAR if bare_heading.startswith(name)), "")
    return made("refused", why=f"is not read, but looks like {near}: rename it") if near else made("unknown")
