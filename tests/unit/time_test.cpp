#include <gtest/gtest.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "support/time_zone.h"
#include "tools/common/times.h"

namespace shardlog::cli {
namespace {

constexpr Timestamp the_time(Duration(1'769'854'830'123'456));  // 2026-01-31T10:20:30.123456Z

std::optional<std::int64_t> microseconds(std::string_view text) {
  const auto time = parse_time(text, the_time);
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

void expect_refused(std::initializer_list<const char*> texts) {
  for (const char* const text : texts) EXPECT_EQ(microseconds(text), std::nullopt) << text;
}

struct Time {
  std::string text;
  std::int64_t microseconds;
};

// python3: datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=timezone.utc)
const Time with_a_zone[] = {
    // RFC 3339, section 5.8
    {"1985-04-12T23:20:50.52Z", 482'196'050'520'000},
    {"1996-12-19T16:39:57-08:00", 851'042'397'000'000},
    {"1937-01-01T12:00:27.87+00:20", -1'041'337'172'130'000},
    // the epoch
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000001Z", 1},
    {"1969-12-31T23:59:59.999999Z", -1},
    {"1969-12-31T23:59:59Z", -1'000'000},
    // what may be missing, and what may be written in another way
    {"2026-01-31T23:59Z", 1'769'903'940'000'000},
    {"2026-01-31T00:00Z", 1'769'817'600'000'000},
    {"2026-01-31t10:20:30z", 1'769'854'830'000'000},
    {"2026-01-31 10:20:30Z", 1'769'854'830'000'000},
    // leap days
    {"2024-02-29T12:00:00Z", 1'709'208'000'000'000},
    {"2000-02-29T12:00:00Z", 951'825'600'000'000},
    {"2100-02-28T23:59:59Z", 4'107'542'399'000'000},
    {"2100-03-01T00:00:00Z", 4'107'542'400'000'000},
    // the first and the last years, and the ends of 32 bits
    {"0001-01-01T00:00:00Z", -62'135'596'800'000'000},
    {"9999-12-31T23:59:59.999999Z", 253'402'300'799'999'999},
    {"1901-12-13T20:45:51Z", -2'147'483'649'000'000},
    {"2038-01-19T03:14:08Z", 2'147'483'648'000'000},
    // offsets
    {"2026-01-31T23:59:59+00:00", 1'769'903'999'000'000},
    {"2026-01-31T23:59:59-00:00", 1'769'903'999'000'000},
    {"2026-01-31T23:59:59+23:59", 1'769'817'659'000'000},
    {"2026-01-31T23:59:59-23:59", 1'769'990'339'000'000},
    {"2026-01-31T23:59+05:45", 1'769'883'240'000'000},
    {"2026-01-01T00:30:00+01:00", 1'767'223'800'000'000},
    {"2025-12-31T23:30:00-01:00", 1'767'227'400'000'000},
    // fractions
    {"2026-01-31T10:20:30.1Z", 1'769'854'830'100'000},
    {"2026-01-31T10:20:30.12Z", 1'769'854'830'120'000},
    {"2026-01-31T10:20:30.000001Z", 1'769'854'830'000'001},
    {"2026-01-31T10:20:30.123456+02:00", 1'769'847'630'123'456},
    {"2026-01-31T23:59:59.999999Z", 1'769'903'999'999'999},
};

TEST(Time, CanHaveAZone) {
  for (const auto& [text, expected] : with_a_zone) EXPECT_EQ(microseconds(text), expected) << text;
}

// 366 days before 0001-01-01; a year 0 is none to Python.
TEST(Time, CanBeTheFirstOfAll) {
  EXPECT_EQ(microseconds("0000-01-01T00:00:00Z"), -62'167'219'200'000'000);
}

// RFC 3339, section 5.8: the same instant twice; POSIX gives it the number of the second behind it, date -u -d
// 1991-01-01 +%s
TEST(Time, CanBeALeapSecond) {
  EXPECT_EQ(microseconds("1990-12-31T23:59:60Z"), 662'688'000'000'000);
  EXPECT_EQ(microseconds("1990-12-31T15:59:60-08:00"), 662'688'000'000'000);
}

TEST(Time, DropsDigitsAfterTheMicroseconds) {
  EXPECT_EQ(microseconds("1970-01-01T00:00:00.0000019Z"), 1);
  EXPECT_EQ(microseconds("1970-01-01T00:00:00.9999999Z"), 999'999);
  EXPECT_EQ(microseconds("1970-01-01T00:00:00." + std::string(400, '9') + "Z"), 999'999);
  EXPECT_EQ(microseconds("@0.9999999"), 999'999);
}

TEST(Time, RefusesDaysThatDoNotExist) {
  for (const char* date : {"2026-02-29", "2100-02-29", "1900-02-29", "2024-02-30", "2026-04-31", "2026-01-32",
                           "2026-01-00", "2026-00-01", "2026-13-01"}) {
    EXPECT_EQ(microseconds(std::string(date) + "T00:00:00Z"), std::nullopt) << date;
    EXPECT_EQ(microseconds(date), std::nullopt) << date;
  }
}

TEST(Time, RefusesTimesOfDayThatDoNotExist) {
  for (const char* clock : {"24:00:00", "24:00", "23:60:00", "23:59:61", "99:99:99"}) {
    EXPECT_EQ(microseconds(std::string("2026-01-31T") + clock + "Z"), std::nullopt) << clock;
    EXPECT_EQ(microseconds(std::string("2026-01-31T") + clock), std::nullopt) << clock;
  }
}

TEST(Time, RefusesZonesThatDoNotExist) {
  for (const char* zone : {"+24:00", "-24:00", "+00:60", "+1:00", "+01:0", "+010", "+01:000", "01:00", "UTC", "CET",
                           "ZZ", "Z ", "+", "-", " CET", " utc", " Z Z", " UTC+1", " +01:00 UTC"}) {
    EXPECT_EQ(microseconds(std::string("2026-01-31T10:20:30") + zone), std::nullopt) << zone;
  }
}

TEST(Time, RefusesOtherForms) {
  expect_refused({"",
                  " ",
                  "2026",
                  "2026-01",
                  "2026-1-31",
                  "26-01-31",
                  "02026-01-31",
                  "12026-01-31T00:00:00Z",
                  "20260131",
                  "2026-031",
                  "2026-W05-6",
                  "2026/01/31",
                  "31.01.2026",
                  "2026-01-31T",
                  "2026-01-31T10",
                  "2026-01-31T10Z",
                  "2026-01-31T1:20Z",
                  "2026-01-31T10:2Z",
                  "2026-01-31T10:20:3Z",
                  "2026-01-31T102030Z",
                  "2026-01-31T10:20:Z",
                  "2026-01-31T10:20:30.Z",
                  "2026-01-31T10:20:30,Z",
                  "2026-01-31T10:20.5Z",
                  "2026-01-31T10:20:30.5.5Z",
                  "2026-01-31Z",
                  "2026-01-31_10:20:30Z",
                  " 2026-01-31T10:20:30Z",
                  "2026-01-31T10:20:30Z\n",
                  "+2026-01-31T10:20:30Z",
                  "-2026-01-31T10:20:30Z",
                  "2026-01-31T+1:20:30Z",
                  "2026--1-31",
                  "2026-01-31T10:20:30Z ",
                  "2026-01-31 2026-01-31",
                  "10:20 10:20",
                  "today yesterday",
                  "today 2026",
                  "Jan",
                  "Jan 2026",
                  "31",
                  "Sat",
                  "Sat 10:20",
                  "Sun Jan 31 10:20:30 UTC 2026",
                  "Jan 32 10:20:30",
                  "Jan Feb 3 10:20:30",
                  "Saturn Jan 31 2026",
                  "Jan 31 13:00 PM 2026",
                  "Jan 31 00:00 AM 2026",
                  "Jan 31 PM 2026",
                  "2026-01-31 UTC",
                  "10:20:30 something",
                  "9:30",
                  "Yesterday",
                  "NOW",
                  "now ",
                  ",",
                  "10m from now"});
}

TEST(Time, RefusesNulInside) {
  EXPECT_EQ(microseconds(std::string_view("now\0", 4)), std::nullopt);
  EXPECT_EQ(microseconds(std::string_view("@1\0", 3)), std::nullopt);
  EXPECT_EQ(microseconds(std::string_view("2026-01-31\0", 11)), std::nullopt);
  EXPECT_EQ(microseconds(std::string_view("2026-01-31T10:20:30Z\0", 21)), std::nullopt);
  EXPECT_EQ(microseconds(std::string_view("2026-01-31\00010:20:30Z", 20)), std::nullopt);
}

TEST(Time, CanCountFromTheEpoch) {
  EXPECT_EQ(microseconds("@0"), 0);
  EXPECT_EQ(microseconds("@1"), 1'000'000);
  EXPECT_EQ(microseconds("@007"), 7'000'000);
  EXPECT_EQ(microseconds("@1769854830"), 1'769'854'830'000'000);
  EXPECT_EQ(microseconds("@1769854830.123456"), 1'769'854'830'123'456);
  EXPECT_EQ(microseconds("@0.000001"), 1);
}

TEST(Time, CanBeBeforeTheEpoch) {
  EXPECT_EQ(microseconds("@-1"), -1'000'000);
  EXPECT_EQ(microseconds("@-1.5"), -1'500'000);
  EXPECT_EQ(microseconds("@-0.5"), -500'000);
  EXPECT_EQ(microseconds("@-0"), 0);
}

TEST(Time, CanBeFarFromTheEpoch) {
  EXPECT_EQ(microseconds("@100000000000"), 100'000'000'000'000'000);
  EXPECT_EQ(microseconds("@-100000000000"), -100'000'000'000'000'000);
}

// By hand: a number too large for seconds of any use is one of smaller units.
TEST(Time, CanCountSmallerUnitsFromTheEpoch) {
  EXPECT_EQ(microseconds("@100000000001"), 100'000'000'001'000);
  EXPECT_EQ(microseconds("@1769854830123"), 1'769'854'830'123'000);
  EXPECT_EQ(microseconds("@1769854830123.456"), 1'769'854'830'123'456);
  EXPECT_EQ(microseconds("@-1769854830123"), -1'769'854'830'123'000);
  EXPECT_EQ(microseconds("@1769854830123456"), 1'769'854'830'123'456);
  EXPECT_EQ(microseconds("@1769854830123456789"), 1'769'854'830'123'456);
  EXPECT_EQ(microseconds("@9223372036854775807"), 9'223'372'036'854'775);
}

TEST(Time, RefusesNumbersTooLargeSinceTheEpoch) {
  EXPECT_EQ(microseconds("@9223372036854775808"), std::nullopt);
  EXPECT_EQ(microseconds("@-9223372036854775808"), std::nullopt);
  EXPECT_EQ(microseconds("@" + std::string(400, '9')), std::nullopt);
}

TEST(Time, NeedsNoAtSignWithTenDigitsOrMore) {
  EXPECT_EQ(microseconds("1769854830"), 1'769'854'830'000'000);
  EXPECT_EQ(microseconds("1769854830.123"), 1'769'854'830'123'000);
  EXPECT_EQ(microseconds("1769854830123"), 1'769'854'830'123'000);
  EXPECT_EQ(microseconds("176985483"), std::nullopt);
  EXPECT_EQ(microseconds("1769854830s"), 1'769'854'830'123'456 - 1'769'854'830'000'000);  // a duration before now
}

TEST(Time, RefusesOtherNumbersSinceTheEpoch) {
  expect_refused({"@", "@-", "@.", "@.5", "@-.5", "@1.", "@1.x", "@1.5.5", "@--1", "@+1", "@-+1", "@ 1", "@1 ", "@1s",
                  "@1e3", "@0x10", "@@1", "1769854830.", "1769854830.5.5"});
}

TEST(Time, NowIsNow) {
  EXPECT_EQ(parse_time("now", the_time), the_time);
  EXPECT_EQ(parse_time("-0", the_time), the_time);
  EXPECT_EQ(parse_time("+0", the_time), the_time);
}

TEST(Time, CanBeBeforeOrAfterNow) {
  EXPECT_EQ(microseconds("-1us"), 1'769'854'830'123'455);
  EXPECT_EQ(microseconds("+1us"), 1'769'854'830'123'457);
  EXPECT_EQ(microseconds("-10m"), 1'769'854'230'123'456);
  EXPECT_EQ(microseconds("+1h30m"), 1'769'860'230'123'456);
  EXPECT_EQ(microseconds("-36525d"), 1'769'854'830'123'456 - 3'155'760'000'000'000);
}

TEST(Time, ADurationAloneIsBeforeNow) {
  for (const char* text :
       {"10m", "10m ago", "10 minutes ago", "10 min", "10 mins ago", "-10 minutes", "600 sec ago", "0h 10m ago"}) {
    EXPECT_EQ(microseconds(text), 1'769'854'230'123'456) << text;
  }
  EXPECT_EQ(microseconds("1 day 1 hour ago"), 1'769'764'830'123'456);
  EXPECT_EQ(microseconds("2 weeks"), 1'768'645'230'123'456);
}

TEST(Time, RefusesOtherDistancesFromNow) {
  expect_refused({"-",        "+",    "-1",     "--1s",         "+-1s",   "-+1s",         "- 1s",
                  "-1s ",     "-now", "now-1s", "-3200000001s", "0",      "10",           "+10m ago",
                  "-10m ago", "ago",  " ago",   "10m  ago ",    "10 m s", "10 years ago", "10M"});
}

struct Local {
  std::string zone;
  std::string text;
  std::int64_t microseconds;
};

void expect_each(std::span<const Local> times) {
  for (const auto& [zone, text, expected] : times) {
    const test::TimeZone here(zone);
    EXPECT_EQ(microseconds(text), expected) << zone << ' ' << text;
  }
}

// python3: datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)), where a time that the clocks show twice is the
// first, and one that they skip is as far behind the jump as if they had not jumped (PEP 495, fold=0).
const Local local[] = {
    {"UTC", "2026-01-31T10:20:30", 1'769'854'830'000'000},
    {"Asia/Kathmandu", "2026-01-31T10:20:30", 1'769'834'130'000'000},
    {"America/St_Johns", "2026-01-31T10:20:30", 1'769'867'430'000'000},
    // winter and summer
    {"Europe/Berlin", "2026-01-31T10:20:30", 1'769'851'230'000'000},
    {"Europe/Berlin", "2026-07-31T10:20:30", 1'785'486'030'000'000},
    {"Europe/Berlin", "2026-07-31T10:20:30.000001", 1'785'486'030'000'001},
    {"Europe/Berlin", "2026-07-31T10:20", 1'785'486'000'000'000},
    // a date alone
    {"Europe/Berlin", "2026-07-31", 1'785'448'800'000'000},
    {"Europe/Berlin", "2026-01-31", 1'769'814'000'000'000},
    // around the epoch, where -1 is a time too
    {"Europe/Berlin", "1970-01-01T01:00:00", 0},
    {"Europe/Berlin", "1970-01-01T00:59:59", -1'000'000},
    {"Europe/Berlin", "1969-12-31T23:59:59", -3'601'000'000},
    // clocks go forward
    {"Europe/Berlin", "2026-03-29T01:59:59", 1'774'745'999'000'000},
    {"Europe/Berlin", "2026-03-29T02:00:00", 1'774'746'000'000'000},
    {"Europe/Berlin", "2026-03-29T02:30:00", 1'774'747'800'000'000},
    {"Europe/Berlin", "2026-03-29T02:59:59", 1'774'749'599'000'000},
    {"Europe/Berlin", "2026-03-29T03:00:00", 1'774'746'000'000'000},
    {"America/New_York", "2026-03-08T02:30:00", 1'772'955'000'000'000},
    {"Australia/Lord_Howe", "2026-10-04T02:15:00", 1'791'042'300'000'000},  // by half an hour
    // clocks go back
    {"Europe/Berlin", "2026-10-25T01:59:59", 1'792'886'399'000'000},
    {"Europe/Berlin", "2026-10-25T02:00:00", 1'792'886'400'000'000},
    {"Europe/Berlin", "2026-10-25T02:30:00", 1'792'888'200'000'000},
    {"Europe/Berlin", "2026-10-25T02:59:59", 1'792'889'999'000'000},
    {"Europe/Berlin", "2026-10-25T03:00:00", 1'792'893'600'000'000},
    {"America/New_York", "2026-11-01T01:30:00", 1'793'511'000'000'000},
    {"Australia/Lord_Howe", "2026-04-05T01:45:00", 1'775'313'900'000'000},  // by half an hour
    // from one standard time to another
    {"Europe/Moscow", "2014-10-26T00:59:59", 1'414'270'799'000'000},
    {"Europe/Moscow", "2014-10-26T01:30:00", 1'414'272'600'000'000},
    {"Europe/Moscow", "2014-10-26T02:00:00", 1'414'278'000'000'000},
    // a day that begins at one o'clock, with its neighbours
    {"America/Santiago", "2026-09-05", 1'788'580'800'000'000},
    {"America/Santiago", "2026-09-06", 1'788'667'200'000'000},
    {"America/Santiago", "2026-09-07", 1'788'750'000'000'000},
    // a day that was left out
    {"Pacific/Apia", "2011-12-29T12:00:00", 1'325'196'000'000'000},
    {"Pacific/Apia", "2011-12-30T12:00:00", 1'325'282'400'000'000},
    {"Pacific/Apia", "2011-12-31T12:00:00", 1'325'282'400'000'000},
};

// date -d, with TZ set to the zone; and where date does not take the text, the same in a form that it takes
const Local as_programs_print_it[] = {
    {"UTC", "Wed Nov 25 21:00:00 UTC 2026", 1'795'640'400'000'000},
    {"UTC", "Tue Nov  3 21:00:00 UTC 2026", 1'793'739'600'000'000},
    {"Europe/Berlin", "Wed Nov 25 21:00:00 CET 2026", 1'795'636'800'000'000},
    {"Europe/Berlin", "Fri Jul 31 21:00:00 CEST 2026", 1'785'524'400'000'000},
    {"America/Sao_Paulo", "Wed Nov 25 21:00:00 -03 2026", 1'795'651'200'000'000},
    {"Asia/Kathmandu", "Wed Nov 25 21:00:00 +0545 2026", 1'795'619'700'000'000},
    {"UTC", "Wed Nov 25 09:00:00 PM UTC 2026", 1'795'640'400'000'000},
    {"UTC", "Wed Nov 25 12:00:00 AM UTC 2026", 1'795'564'800'000'000},
    {"UTC", "Wed Nov 25 12:00:00 PM UTC 2026", 1'795'608'000'000'000},
    {"Europe/London", "Wed 25 Nov 21:00:00 GMT 2026", 1'795'640'400'000'000},
    {"Europe/Berlin", "Wed, 25 Nov 2026 21:00:00 +0000", 1'795'640'400'000'000},
    {"Europe/Berlin", "25 Nov 2026 21:00:00 -0800", 1'795'669'200'000'000},
    {"Europe/Berlin", "2026-11-25T21:00:00+01:00", 1'795'636'800'000'000},
    {"Europe/Berlin", "2026-11-25T21:00:00,123456789+01:00", 1'795'636'800'123'456},
    {"Europe/Berlin", "2026-11-25 21:00:00+01:00", 1'795'636'800'000'000},
    {"Europe/Berlin", "2026-11-25 21:00:00.500000000 +0100", 1'795'636'800'500'000},
    {"Europe/Berlin", "2026-11-25T21:00:00+0100", 1'795'636'800'000'000},
    {"Europe/Berlin", "2026-11-25T21:00:00+01", 1'795'636'800'000'000},
    {"Europe/Berlin", "2026-11-25 21:00:00", 1'795'636'800'000'000},
    {"Europe/Berlin", "Wed 2026-11-25 21:00:00 CET", 1'795'636'800'000'000},
    {"Europe/Berlin", "Wed Nov 25 21:00:00 2026", 1'795'636'800'000'000},
    {"Europe/Berlin", "Sun Oct 25 02:30:00 CEST 2026", 1'792'888'200'000'000},
    {"Europe/Berlin", "Sun Oct 25 02:30:00 CET 2026", 1'792'891'800'000'000},
    {"Europe/Berlin", "2026-10-25 02:30 CET", 1'792'891'800'000'000},
    {"Europe/Berlin", "2026-07-31 12:00 CET", 1'785'495'600'000'000},
    {"America/New_York", "Wed Nov 25 16:00:00 EST 2026", 1'795'640'400'000'000},
    {"UTC", "November 25, 2026", 1'795'564'800'000'000},
};

TEST(LocalTime, IsReadAsOtherProgramsPrintIt) {
  expect_each(as_programs_print_it);
}

// date -d with the date that it is there at `now`
const Local without_a_date[] = {
    {"UTC", "today", 1'769'817'600'000'000},
    {"UTC", "yesterday", 1'769'731'200'000'000},
    {"UTC", "tomorrow", 1'769'904'000'000'000},
    {"UTC", "09:30", 1'769'851'800'000'000},
    {"UTC", "09:30:15.5", 1'769'851'815'500'000},
    {"UTC", "yesterday 21:00", 1'769'806'800'000'000},
    {"UTC", "21:00 yesterday", 1'769'806'800'000'000},
    {"Europe/Berlin", "today", 1'769'814'000'000'000},
    {"Europe/Berlin", "yesterday", 1'769'727'600'000'000},
    {"Europe/Berlin", "tomorrow", 1'769'900'400'000'000},
    {"Europe/Berlin", "09:30", 1'769'848'200'000'000},
    {"Europe/Berlin", "09:30:15.5", 1'769'848'215'500'000},
    {"Europe/Berlin", "yesterday 21:00", 1'769'803'200'000'000},
    {"Europe/Berlin", "21:00 yesterday", 1'769'803'200'000'000},
    {"America/Los_Angeles", "today", 1'769'846'400'000'000},
    {"America/Los_Angeles", "yesterday", 1'769'760'000'000'000},
    {"America/Los_Angeles", "tomorrow", 1'769'932'800'000'000},
    {"America/Los_Angeles", "09:30", 1'769'880'600'000'000},
    {"America/Los_Angeles", "09:30:15.5", 1'769'880'615'500'000},
    {"America/Los_Angeles", "yesterday 21:00", 1'769'835'600'000'000},
    {"America/Los_Angeles", "21:00 yesterday", 1'769'835'600'000'000},
    {"Europe/Berlin", "23:30Z", 1'769'902'200'000'000},
    {"Europe/Berlin", "23:30 UTC", 1'769'902'200'000'000},
    {"UTC", "10:00+14:00", 1'769'889'600'000'000},
    {"UTC", "00:10 +1400", 1'769'854'200'000'000},
    {"Europe/Berlin", "Jan 30 21:00:00", 1'769'803'200'000'000},
    {"Europe/Berlin", "Feb 01 21:00:00", 1'769'976'000'000'000},
    {"Europe/Berlin", "Feb 02 21:00:00", 1'738'526'400'000'000},
    {"UTC", "Dec 31 23:59:59", 1'767'225'599'000'000},
    {"UTC", "Wed Dec 31 23:59:59", 1'767'225'599'000'000},
};

TEST(LocalTime, CanBeWithoutADateOrItsYear) {
  expect_each(without_a_date);
}

TEST(LocalTime, RefusesTheNamesOfOtherZones) {
  const test::TimeZone here("Europe/Berlin");
  EXPECT_EQ(microseconds("Wed Nov 25 21:00:00 EST 2026"), std::nullopt);
}

TEST(LocalTime, CanBeWithoutAZone) {
  expect_each(local);
}

// A function of the C library answers by what it was asked before.
TEST(LocalTime, IsTheSameWhateverWasAskedBefore) {
  const test::TimeZone here("Europe/Berlin");
  for (const char* before : {"2026-01-01", "2026-07-01"}) {
    ASSERT_TRUE(microseconds(before));
    EXPECT_EQ(microseconds("2026-10-25T02:30"), 1'792'888'200'000'000) << before;
    ASSERT_TRUE(microseconds(before));
    EXPECT_EQ(microseconds("2026-03-29T02:30"), 1'774'747'800'000'000) << before;
  }
}

TEST(LocalTime, CanBeALeapSecond) {
  const test::TimeZone here("Europe/Berlin");
  EXPECT_EQ(microseconds("1991-01-01T00:59:60"), 662'688'000'000'000);
}

TEST(LocalTime, CanBeInTheFirstAndLastYear) {
  const test::TimeZone here("UTC");
  EXPECT_EQ(microseconds("0000-01-01"), -62'167'219'200'000'000);
  EXPECT_EQ(microseconds("9999-12-31T23:59:59.999999"), 253'402'300'799'999'999);
}

}  // namespace
}  // namespace shardlog::cli
