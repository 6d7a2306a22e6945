"""Turns contracts/payments.toml into the constant tables of src/domain/payments/rules_tables.gen.cpp."""
import datetime
import sys

CATEGORIES = ("u70_a", "u70_i", "u70_u", "u70_e", "u70_o", "active_3", "active_2", "active_1", "general", "low_2", "low_1")
CLASSES = ("welfare", "low_1", "low_2", "middle_1", "middle_2", "upper")
SEVERITIES = {"normal": "normal", "long": "long_term", "ventilator": "ventilator"}
FIRST_DAY, LAST_DAY = datetime.date(1868, 1, 1), datetime.date(9999, 12, 31)


def require(condition, message):
    if not condition:
        sys.exit(f"contracts/payments.toml: {message}")


def date(day):
    return f"Date::of({day.year}, {day.month}, {day.day})"


def yen(amount, where):
    require(isinstance(amount, int) and 0 <= amount <= 10_000_000, f"{where}: {amount!r} is no amount of yen")
    return f"Yen({amount})"


def optional_yen(row, key, where):
    return yen(row[key], where) if key in row else "std::nullopt"


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def limit_class(category, step):
    return f"{{Category::{category}, {step}}}"


def limit_rows(table):
    name, lines, seen, last_pay = table["name"], [], set(), {}
    for row in table["rows"]:
        where = f"{name} {row['category']} {row.get('step', 0)}"
        band, category, step = row["band"], row["category"], row.get("step", 0)
        require(category in CATEGORIES and (band == "u70") == category.startswith("u70"), f"{where}: category")
        require((category, step) not in seen, f"{where} stands there twice")
        seen.add((category, step))
        require(row["pay_from"] <= last_pay.get(band, row["pay_from"]), f"{where}: rows run from the highest pay down")
        last_pay[band] = row["pay_from"]
        threshold = row["threshold"]
        # The threshold is the cost of which 30 % is the base: finds a slip of the pen (domain-rules §3.2).
        require(threshold == 0 or threshold * 3 == row["base"] * 10, f"{where}: threshold is not base / 0.3")
        for key in ("base", "threshold", "many", "outpatient"):
            require(row.get(key, 0) % 2 == 0, f"{where}: {key} cannot be halved")
        lines.append(
            f"    {{{limit_class(category, step)}, {yen(row['pay_from'], where)}, {yen(row['base'], where)}, "
            f"{yen(threshold, where) if threshold else 'std::nullopt'}, {optional_yen(row, 'many', where)}, "
            f"{optional_yen(row, 'annual', where)}, {optional_yen(row, 'annual_low_pay', where)}, "
            f"{optional_yen(row, 'outpatient', where)}, {optional_yen(row, 'outpatient_annual', where)}}},\n")
    for category, step in (("u70_u", table["general_u70_step"]), ("general", table["general_o70_step"]), ("u70_o", 0), ("low_1", 0)):
        require((category, step) in seen, f"{name}: no row {category} {step}, which public payers refer to")
    return lines


def limit_tables(tables):
    arrays, lines, before = "", "", None
    for table in tables:
        name = table["name"]
        require(before is None or table["first"] == before + datetime.timedelta(days=1), f"{name} does not follow the table before it")
        require(table["first"].day == 1, f"{name}: a table begins with a month")
        before = table["last"]
        rows = limit_rows(table)
        arrays += f"constexpr std::array<LimitRow, {len(rows)}> rows_{name}{{{{\n{''.join(rows)}}}}};\n\n"
        lines += (f"    {{{text(name)}, {date(table['first'])}, {date(table['last'])}, rows_{name}, "
                  f"{limit_class('u70_u', table['general_u70_step'])}, {limit_class('general', table['general_o70_step'])}, "
                  f"{limit_class('u70_o', 0)}, {limit_class('low_1', 0)}}},\n")
    require(before == LAST_DAY, "the last limit table has no end")
    return arrays + f"constexpr std::array<LimitTable, {len(tables)}> limits{{{{\n{lines}}}}};\n\n"


def category_names(categories, key, variable):
    require(set(categories) == set(CATEGORIES), "[categories] names each category once")
    pairs = [(category, name) for category in CATEGORIES for name in categories[category][key]]
    require(len({name for _, name in pairs}) == len(pairs), f"[categories]: one of {key} stands there twice")
    lines = "".join(f"    {{Category::{category}, {text(name)}}},\n" for category, name in pairs)
    return f"constexpr std::array<CategoryName, {len(pairs)}> {variable}{{{{\n{lines}}}}};\n\n"


def payers(entries):
    lines, rank, spans = [], 0, {}
    for entry in entries:
        for code in entry["codes"]:
            first, last = entry.get("first", FIRST_DAY), entry.get("last", LAST_DAY)
            require(first <= last, f"payer {code}: ends before it begins")
            require(all(last < f or l < first for f, l in spans.get(code, [])), f"payer {code} stands twice at one time")
            spans.setdefault(code, []).append((first, last))
            flags = ", ".join("true" if entry.get(key) else "false" for key in ("at_most_ratio", "before_insurance", "local"))
            lines.append(f"    {{{code}, {rank}, {date(first)}, {date(last)}, Percent::of({entry.get('percent_of_cost', 0)}), {flags}, "
                         f"CapNeed::{entry['cap']}, PayerLimit::{entry['limit']}, {text(entry['basis'])}}},\n")
            # The local subsidies have no order among themselves: as they are given.
            rank += 0 if entry.get("local") else 1
    return f"constexpr std::array<Payer, {len(lines)}> payers{{{{\n{''.join(lines)}}}}};\n\n"


def programme_caps(groups):
    lines = []
    for group in groups:
        for code in group["codes"]:
            require([row["class"] for row in group["rows"]] == list(CLASSES), f"programme_caps {code}: a row for each class")
            for row in group["rows"]:
                for key, severity in SEVERITIES.items():
                    if key not in row:
                        continue
                    amount = row[key]
                    kind = {"limit": "insurance_limit", "not_covered": "not_covered"}.get(amount, "amount")
                    value = yen(amount, f"programme_caps {code}") if kind == "amount" else "Yen(0)"
                    lines.append(f"    {{{code}, IncomeClass::{row['class']}, Severity::{severity}, CapKind::{kind}, {value}, "
                                 f"{text(group['basis'])}}},\n")
    return f"constexpr std::array<ProgrammeCap, {len(lines)}> programme_caps{{{{\n{''.join(lines)}}}}};\n\n"


def percents(values, variable):
    inner = ", ".join(f"Percent::of({value})" for value in values)
    return f"constexpr std::array<Percent, {len(values)}> {variable}{{{inner}}};\n"


def tables(contract):
    """The text of the source file behind its first line."""
    ratio, relief, special = contract["ratio"], contract["relief"], contract["special_disease"]
    plausibility = contract["plausibility"]
    ratio_keys = ("active_pay_from", "active_taxable_from", "exempt_income_alone_below", "exempt_income_several_below",
                  "late_middle_taxable_from", "late_middle_income_alone_from", "late_middle_income_several_from")
    body = limit_tables(contract["limit_tables"])
    body += category_names(contract["categories"], "names", "category_names")
    body += category_names(contract["categories"], "codes", "category_codes")
    body += payers(contract["payers"])
    body += programme_caps(contract["programme_caps"])
    for key in ("seventy", "late_elderly", "late_elderly_before_2022_10"):
        body += percents(ratio[key], f"ratio_{key}")
    members = "limits, category_names, category_codes, payers, programme_caps,\n    "
    members += f"{yen(special['cap'], 'special_disease')}, {yen(special['dialysis_high_income_cap'], 'special_disease')},\n    "
    members += (f"Relief{{{{{date(relief['first'])}, {date(relief['last'])}}}, {yen(relief['base'], 'relief')}, "
                f"{yen(relief['threshold'], 'relief')}, Percent::of({relief['percent']}), {yen(relief['cap'], 'relief')}}},\n    ")
    household, unit = contract["household"], contract["household_caps"]["rounding_unit"]
    require(isinstance(unit, int) and unit >= 1, "household_caps: rounding_unit")
    members += (f"{yen(household['under70_item_min'], 'household')}, {yen(household['under70_item_min_half_month'], 'household')}, "
                f"{unit}, {contract['annual']['first_month']},\n    ")
    members += (f"RatioTable{{Percent::of({ratio['preschool']}), Percent::of({ratio['general']}), ratio_seventy, ratio_late_elderly, "
                "ratio_late_elderly_before_2022_10, " + ", ".join(yen(ratio[key], "ratio") for key in ratio_keys) + "},\n    ")
    members += "PlausibilityTable{" + ", ".join(str(plausibility[key]) for key in (
        "pattern_records_min", "pattern_share_per_10000_min", "blank_records_min", "blank_jump_per_1000")) + "},\n    "
    consent = {"with_card": "not_needed", "after_consent": "needed", "with_number": "not_needed", "recorded_consent": "needed"}
    disclosure = contract["disclosure"]
    require(disclosure["limit_by_card"] in ("with_card", "after_consent"), "disclosure: limit_by_card")
    require(disclosure["limit_by_number"] in ("with_number", "recorded_consent"), "disclosure: limit_by_number")
    members += "DisclosureTable{" + ", ".join(
        f"LimitConsent::{consent[disclosure[key]]}" for key in ("limit_by_card", "limit_by_number")) + "}"
    body += f"\nconstexpr Tables tables{{\n    {members}}};\n"
    return ('#include <array>\n\n#include "domain/payments/model.h"\n\nnamespace onshi::payments {\n\nnamespace {\n\n'
            f"{body}\n}}  // namespace\n\nconst Tables& builtin_tables() {{ return tables; }}\n\n}}  // namespace onshi::payments\n")
