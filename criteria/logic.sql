-- Three-valued macros: what facts and criteria may use beside plain comparisons, AND, OR, NOT.
--
-- NULL means unknown. SQL keeps that meaning for scalars but loses it in lists: aggregates and
-- filters drop unknowns, and CASE takes ELSE on them. Each macro below keeps it; its truth table
-- is data in tests/criteria/logic_tables.yaml.
--
-- A list that may lack entries carries one entry with unseen = true, all other fields NULL, that
-- stands for any number of entries nobody has shown us. The engine adds it; criteria need not know.
-- A span is {lo, hi, text}: the first and last possible day of a partial date, and the date as
-- recorded. Every entry has `at`, the span in which it happened: never after the screening date,
-- and open to the past where no date is recorded.

-- A macro pastes its argument wherever it names it, so one that names it more than once binds it
-- first: `list_transform([l], lambda v: … v … v …)[1]` computes l once.

-- Truth values ------------------------------------------------------------------------------

-- true if any is true; else false if all are known; else unknown
CREATE MACRO any_true(l) AS list_transform([l], lambda v:
    CASE WHEN list_contains(v, true) THEN true WHEN list_count(v) = len(v) THEN false END)[1];

-- false if any is false; else true if all are known; else unknown
CREATE MACRO all_true(l) AS list_transform([l], lambda v:
    CASE WHEN list_contains(v, false) THEN false WHEN list_count(v) = len(v) THEN true END)[1];

-- the one of two truths that a condition selects; where the condition is unknown, what both say
CREATE MACRO decide(c, a, b) AS list_transform([{c: c, a: a, b: b}], lambda v:
    (v.c AND v.a) OR (NOT v.c AND v.b) OR (v.a AND v.b))[1];

-- a value that holds only while a condition certainly does; otherwise unknown
CREATE MACRO only_if(c, v) AS CASE WHEN (c) THEN (v) END;

-- two records of the same thing: the one that is there; unknown where both are and differ
CREATE MACRO reconcile(a, b) AS list_transform([{a: a, b: b}], lambda v:
    CASE WHEN v.a IS NULL THEN v.b WHEN v.b IS NULL OR v.a = v.b THEN v.a END)[1];

CREATE MACRO conflicting(a, b) AS coalesce((a) <> (b), false);

CREATE MACRO recorded(v) AS (v) IS NOT NULL;

-- the value where it is recorded, else what is assumed of it (a parameter)
CREATE MACRO or_assumed(v, assumed) AS coalesce(v, assumed);

-- conditions of a list filter must say what becomes of the unknown
CREATE MACRO certainly(c) AS coalesce(c, false);
CREATE MACRO possibly(c) AS coalesce(c, true);

CREATE MACRO one_of(v, l) AS CASE WHEN (v) IS NOT NULL THEN list_contains(l, v) END;

-- Lists -------------------------------------------------------------------------------------

-- the entries that were shown, without the stand-in for those that were not
CREATE MACRO shown(l) AS list_filter(l, lambda e: NOT e.unseen);

CREATE MACRO may_lack_entries(l) AS list_contains(list_transform(l, lambda e: e.unseen), true);

CREATE MACRO is_empty(l) AS coalesce(len(l), 0) = 0;

-- the value that all agree on; unknown where they differ, where one is unknown, or for none
CREATE MACRO agreed(l) AS list_transform([l], lambda v:
    CASE WHEN len(v) = 1 THEN v[1]
         WHEN list_count(v) = len(v) AND list_min(v) = list_max(v) THEN v[1] END)[1];

-- truth by the latest entries where there are any; else false if the list is whole, else unknown
CREATE MACRO by_latest(truths, l) AS list_transform([truths], lambda t:
    CASE WHEN len(t) = 0 THEN CASE WHEN NOT may_lack_entries(l) THEN false END
    WHEN list_count(t) = len(t) AND list_min(t) = list_max(t) THEN t[1] END)[1];

-- the entries that could be the latest: those not certainly before another
CREATE MACRO latest(l) AS list_transform([l], lambda v:
    list_filter(v, lambda e: coalesce(
        e.at.hi >= list_max(list_transform(v, lambda o: o.at.lo)), false)))[1];

-- when the latest happened
CREATE MACRO latest_at(l) AS {
    lo: list_max(list_transform(l, lambda e: e.at.lo)),
    hi: list_max(list_transform(l, lambda e: e.at.hi))};

-- when the first happened
CREATE MACRO first_at(l) AS {
    lo: list_min(list_transform(l, lambda e: e.at.lo)),
    hi: list_min(list_transform(l, lambda e: e.at.hi))};

-- Counts with both bounds: {lo, hi}, hi NULL where any number more is possible ------------------

CREATE MACRO count_true(truths, l) AS list_transform([truths], lambda v: {
    lo: len(list_filter(v, lambda t: coalesce(t, false))),
    hi: CASE WHEN NOT may_lack_entries(l)
        THEN len(list_filter(v, lambda t: coalesce(t, true))) END})[1];

-- the larger of two numbers; greatest would skip the unknown
CREATE MACRO larger_of(a, b) AS list_transform([{a: a, b: b}], lambda v:
    CASE WHEN v.a >= v.b THEN v.a WHEN v.a < v.b THEN v.b END)[1];

CREATE MACRO at_most(count, n) AS
    CASE WHEN count.lo > n THEN false WHEN count.hi <= n THEN true END;

CREATE MACRO at_least(count, n) AS
    CASE WHEN count.lo >= n THEN true WHEN count.hi < n THEN false END;

-- Dates ---------------------------------------------------------------------------------------

-- most dates are whole
CREATE MACRO span(d) AS list_transform([d], lambda t: {
    lo: CASE WHEN strlen(t) = 10 THEN CAST(t AS DATE)
        ELSE CAST(t || right('-01-01', 10 - strlen(t)) AS DATE) END,
    hi: CASE WHEN strlen(t) = 10 THEN CAST(t AS DATE)
        WHEN strlen(t) = 7 THEN last_day(CAST(t || '-01' AS DATE))
        ELSE CAST(t || '-12-31' AS DATE) END,
    text: t})[1];

-- when an entry happened, as known on the screening date
CREATE MACRO happened(s, screened_on) AS list_transform([s], lambda v: {
    lo: coalesce(v.lo, DATE '0001-01-01'),
    hi: CASE WHEN v.hi < screened_on THEN v.hi ELSE screened_on END,
    text: v.text})[1];

CREATE MACRO on_or_after(s, day) AS
    CASE WHEN s.lo >= day THEN true WHEN s.hi < day THEN false END;

CREATE MACRO before(s, day) AS NOT on_or_after(s, day);

CREATE MACRO by_day(s, day) AS
    CASE WHEN s.hi <= day THEN true WHEN s.lo > day THEN false END;

CREATE MACRO days_before(day, n) AS CAST(day - to_days(CAST(n AS INTEGER)) AS DATE);
CREATE MACRO weeks_before(day, n) AS CAST(day - to_days(7 * CAST(n AS INTEGER)) AS DATE);
CREATE MACRO years_before(day, n) AS CAST(day - to_years(CAST(n AS INTEGER)) AS DATE);

-- between one day and another, both included
CREATE MACRO between_days(s, first_day, last_day) AS list_transform([s], lambda v:
    CASE WHEN v.hi < first_day OR v.lo > last_day THEN false
         WHEN v.lo >= first_day AND v.hi <= last_day THEN true END)[1];

-- whether one event came before another
CREATE MACRO came_before(s, other) AS
    CASE WHEN s.hi < other.lo THEN true WHEN s.lo >= other.hi THEN false END;

-- whether less than a number of calendar months passed from one event to another
CREATE MACRO within_months(s, since, n) AS
    CASE WHEN s.hi < since.lo + to_months(CAST(n AS INTEGER)) THEN true
         WHEN s.lo >= since.hi + to_months(CAST(n AS INTEGER)) THEN false END;

-- the first of two events that both come to pass; its end is known from either
CREATE MACRO first_of(s, other) AS {
    lo: CASE WHEN s.lo <= other.lo THEN s.lo WHEN other.lo < s.lo THEN other.lo END,
    hi: least(s.hi, other.hi)};

-- days on which a window that ends a number of days or years after an event could be over
CREATE MACRO days_after(spans, n) AS
    list_transform(spans, lambda s: CAST(s.lo + to_days(CAST(n AS INTEGER) + 1) AS DATE));
CREATE MACRO weeks_after(spans, n) AS days_after(spans, 7 * n);
CREATE MACRO years_after(spans, n) AS flatten(list_transform(spans, lambda s: [
    CAST(s.lo + to_years(CAST(n AS INTEGER)) AS DATE),
    CAST(s.lo + to_years(CAST(n AS INTEGER)) + to_days(1) AS DATE),
    CAST(s.lo + to_years(CAST(n AS INTEGER)) + to_days(2) AS DATE)]));

-- completed years, by calendar (date_diff counts boundaries instead)
CREATE MACRO completed_years(since, day) AS date_sub('year', since, day);

-- Drugs: x is a regimen; its drugs are resolved by the dictionary to {name, generic, kinds} -------

CREATE MACRO has_kind(x, k) AS CASE
    WHEN x.drugs IS NULL THEN CASE WHEN list_contains(x.kinds, k) THEN true END
    WHEN list_contains(flatten(list_transform(x.drugs, lambda d: d.kinds)), k) THEN true
    WHEN list_contains(list_transform(x.drugs, lambda d: d.generic IS NULL), true)
        THEN CASE WHEN list_contains(list_transform(x.drugs, lambda d: d.name IS NULL), true)
            THEN CASE WHEN list_contains(x.kinds, k) THEN true END
            ELSE list_contains(x.kinds, k) END
    WHEN list_contains(x.kinds, k) THEN NULL
    WHEN NOT x.unseen THEN false END;

-- whether a regimen held a drug of any kind but these
CREATE MACRO has_kind_but(x, given) AS CASE
    WHEN len(list_filter(flatten(list_transform(x.drugs, lambda d: d.kinds)),
                         lambda k: NOT list_contains(given, k))) > 0 THEN true
    WHEN x.drugs IS NULL
        OR list_contains(list_transform(x.drugs, lambda d: d.name IS NULL), true)
        THEN CASE WHEN len(list_filter(x.kinds, lambda k: NOT list_contains(given, k))) > 0
            THEN true END
    WHEN list_contains(list_transform(x.drugs, lambda d: d.generic IS NULL), true)
        THEN len(list_filter(x.kinds, lambda k: NOT list_contains(given, k))) > 0
    WHEN len(list_filter(x.kinds, lambda k: NOT list_contains(given, k))) > 0 THEN NULL
    WHEN NOT x.unseen THEN false END;

-- whether a regimen held a named drug of a kind; an unlisted drug of that kind may be it
CREATE MACRO has_drug(x, generics, k) AS CASE
    WHEN len(list_filter(x.drugs, lambda d: coalesce(list_contains(generics, d.generic), false))) > 0
        THEN true
    WHEN x.unseen OR x.drugs IS NULL
        OR list_contains(list_transform(x.drugs, lambda d: d.name IS NULL), true) THEN NULL
    WHEN NOT list_contains(list_transform(x.drugs, lambda d: d.generic IS NULL), true) THEN false
    WHEN x.kinds IS NOT NULL AND NOT list_contains(x.kinds, k) THEN false END;

-- the names in a regimen that the dictionary lacks
CREATE MACRO unlisted(x) AS list_transform(
    list_filter(x.drugs, lambda d: d.generic IS NULL AND d.name IS NOT NULL), lambda d: d.name);

-- Text ----------------------------------------------------------------------------------------

-- an amount without zeros at its end, to six decimals; most have one decimal or none, which
-- takes a third of the time to say
CREATE MACRO num(v) AS list_transform([v], lambda n: CASE
    WHEN n = CAST(n AS DECIMAL(38,0)) THEN CAST(CAST(n AS DECIMAL(38,0)) AS VARCHAR)
    WHEN n = CAST(n AS DECIMAL(38,1)) THEN CAST(CAST(n AS DECIMAL(38,1)) AS VARCHAR)
    ELSE rtrim(rtrim(CAST(CAST(n AS DECIMAL(38,6)) AS VARCHAR), '0'), '.') END)[1];

-- different texts in order; most lists hold two at most, or say one over again, which takes a tenth
-- of the time to say
CREATE MACRO joined(l) AS list_transform([l], lambda v: CASE
    WHEN len(v) < 2 THEN coalesce(v[1], '')
    WHEN len(v) = 2 AND v[1] <> v[2] THEN least(v[1], v[2]) || ', ' || greatest(v[1], v[2])
    WHEN list_count(v) = len(v) AND list_min(v) = list_max(v) THEN v[1]
    ELSE array_to_string(list_sort(list_distinct(v)), ', ') END)[1];

CREATE MACRO dated(s) AS coalesce(s.text, 'no date');

CREATE MACRO nonempty(t) AS list_transform([t], lambda v: CASE WHEN v <> '' THEN v END)[1];

-- Names, as the dictionaries know them. \s is ASCII only; \p{Z} are the other spaces, as Chinese
-- text and copies from web pages have them.
CREATE MACRO drug_key(n) AS regexp_replace(regexp_replace(lower(nfc_normalize(n)),
    '[\s\p{Z}]+(dihydrochloride|hydrochloride|hcl|isethionate|succinate|ditosylate|tosylate|mesylate|mesilate|citrate|acetate|tartrate|sodium|disodium|maleate|trihydrate|monohydrate)\b', '', 'g'),
    '[\s\p{Z}\-‐‑–—_.,''’®™]', '', 'g');
-- One plain word, as most are, is its own key.
CREATE MACRO term_key(n) AS CASE WHEN regexp_full_match(n, '[a-z]+') THEN n ELSE
    trim(regexp_replace(regexp_replace(regexp_replace(lower(nfc_normalize(n)),
        '[-_/‐‑–—]', ' ', 'g'), '[^\w\s\p{Z}\p{Han}]', '', 'g'), '[\s\p{Z}]+', ' ', 'g')) END;
CREATE MACRO neoplasm_key(n) AS
    replace(replace(term_key(n), 'tumour', 'tumor'), 'cancer', 'carcinoma');
CREATE MACRO site_key(n) AS trim(regexp_replace(regexp_replace(regexp_replace(term_key(n),
    '\b(left|right|bilateral|both|upper|lower|middle|lobe|segment|metastasis|metastases|metastatic|lesion|lesions|mass|nodule|nodules|of|the|in)\b', '', 'g'),
    '左|右|双|侧|转移|病灶', '', 'g'), '\s+', ' ', 'g'));
CREATE MACRO unit_key(u) AS replace(regexp_replace(translate(
    regexp_replace(lower(nfc_normalize(u)), '([⁰¹²³⁴⁵⁶⁷⁸⁹]+)', '^\1', 'g'),
    'µμ×⁰¹²³⁴⁵⁶⁷⁸⁹', 'uux0123456789'), '[\s\p{Z}]', '', 'g'), '**', '^');
