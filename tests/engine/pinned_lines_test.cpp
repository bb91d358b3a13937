#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/segment_forger.h"
#include "shardlog/sqlite/page_pinner.h"
#include "support/refusal.h"
#include "support/stream_test.h"

namespace shardlog {
namespace {

using test::append_all;
using test::batch_of;
using test::kibibyte;
using test::mebibyte;
using test::refusal;
using test::SegmentForger;

/// What can be handed over.
std::string bytes_of(const PinnedPages& pages) {
  std::string bytes(pages.size(), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(pages.pipe(), bytes.data() + done, bytes.size() - done);
    if (got <= 0) return "cut off";
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

/// Letters that differ from place to place.
std::string letters(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i + i / 4096) % 26);
  return text;
}

class PinnedLines : public test::StreamTest {
 protected:
  PinnedLines() { create(); }

  /// Stores a batch, and moves its payload into a segment of its own.
  void put_in_segment(const EncodedBatch& batch) {
    put_in_row(batch);
    SegmentForger(path_).move(count_, count_, count_);
  }

  void put_in_row(const EncodedBatch& batch) {
    const RoutedBatch routed{ShardId(0), {copy_of(batch.payload), batch.record_count, batch.data_bytes}};
    EXPECT_TRUE(append_all(*open_to_write(), {&routed, 1}, Sync::normal));
    ++count_;
  }

  static Bytes copy_of(const Bytes& bytes) {
    Bytes copy(bytes.size());
    std::ranges::copy(bytes.view(), copy.data());
    return copy;
  }

  StoredBatch read_one(bool pin = true) {
    ReadRequest request;
    request.pin_lines = pin;
    ReadResult result = open_to_read()->read(request)->next(10 * mebibyte);
    EXPECT_EQ(result.batches.size(), 1);
    return std::move(result.batches.at(0));
  }

  std::int64_t count_ = 0;
};

TEST_F(PinnedLines, AreTheBeginningOfTheLines) {
  const std::string data = letters(300 * kibibyte);
  put_in_segment(batch_of(0, {"first", data, ""}).batch);
  const StoredBatch batch = read_one();
  ASSERT_TRUE(batch.pinned);
  EXPECT_EQ(bytes_of(*batch.pinned), "first\n" + data + "\n\n");
  EXPECT_EQ(batch.records.lines(), "first\n" + data + "\n\n");
}

TEST_F(PinnedLines, DoNotIncludeKeys) {
  const std::string data = letters(300 * kibibyte);
  const std::string key = letters(40 * kibibyte);  // more than is dropped at once
  const std::array<Record, 2> records{Record{data, key}, Record{"second", "k"}};
  put_in_segment(encode(records));
  EXPECT_EQ(bytes_of(*read_one().pinned), data + "\nsecond\n");
}

TEST_F(PinnedLines, AreCutOffWhereThePipeIsFull) {
  const std::string data = letters(mebibyte);
  put_in_segment(batch_of(0, {data}).batch);
  const StoredBatch batch = read_one();
  ASSERT_TRUE(batch.pinned);
  const std::string pinned = bytes_of(*batch.pinned);
  EXPECT_LT(pinned.size(), mebibyte);
  EXPECT_GE(pinned.size(), mebibyte - 4 * kibibyte);  // what is before the lines takes a part of a page
  EXPECT_EQ(batch.records.lines(), data + "\n");
  EXPECT_EQ(pinned, data.substr(0, pinned.size()));
}

TEST_F(PinnedLines, StayAsTheyWereWhenTheSegmentIsUnlinked) {
  const std::string data = letters(300 * kibibyte);
  put_in_segment(batch_of(0, {data}).batch);
  const StoredBatch batch = read_one();
  std::filesystem::remove(SegmentForger(path_).file(1));
  EXPECT_EQ(bytes_of(*batch.pinned), data + "\n");
}

TEST_F(PinnedLines, AreOnlyPinnedForACallerThatAsks) {
  put_in_segment(batch_of(0, {letters(300 * kibibyte)}).batch);
  EXPECT_FALSE(read_one(false).pinned);
}

TEST_F(PinnedLines, OfSmallBatchesAreNotPinned) {
  put_in_segment(batch_of(0, {letters(200 * kibibyte)}).batch);
  EXPECT_FALSE(read_one().pinned);
}

TEST_F(PinnedLines, InTheDatabaseAreNotPinned) {
  put_in_row(batch_of(0, {letters(300 * kibibyte)}).batch);
  EXPECT_FALSE(read_one().pinned);
}

TEST_F(PinnedLines, ThatAreCompressedAreNotPinned) {
  std::string data(3 * mebibyte, '\0');  // half of it noise, so that more than 256 KiB are left
  std::minstd_rand noise;                // NOLINT(*-msc51-cpp): always the same
  for (std::size_t i = 0; i < data.size() / 2; ++i) data[i] = static_cast<char>(noise());
  const std::array<Record, 1> record{Record{data, std::nullopt}};
  put_in_segment(encode(record, Compression::zstd));
  const StoredBatch batch = read_one();
  ASSERT_EQ(batch.records.compression(), Compression::zstd);
  EXPECT_FALSE(batch.pinned);
}

/// A damaged byte is found in whatever part of the payload it is: in what is pinned, and in what no longer fits.
TEST_F(PinnedLines, AreCheckedBeforeTheyAreDelivered) {
  const std::size_t size = mebibyte + 100 * kibibyte;
  put_in_segment(batch_of(0, {"before", letters(300 * kibibyte)}).batch);
  put_in_segment(batch_of(0, {letters(size)}).batch);
  for (const std::streamoff at : {std::streamoff{0}, std::streamoff{5000}, std::streamoff{mebibyte + 50 * kibibyte}}) {
    SCOPED_TRACE(at);
    std::fstream file(SegmentForger(path_).file(2), std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const int before = file.get();
    file.seekp(at).put('!').flush();
    ReadRequest request;
    request.pin_lines = true;
    const auto stream = open_to_read();
    const auto reader = stream->read(request);
    const ReadResult result = reader->next(10 * mebibyte);
    ASSERT_EQ(result.batches.size(), 1);
    EXPECT_EQ(bytes_of(*result.batches[0].pinned), "before\n" + letters(300 * kibibyte) + "\n");
    EXPECT_EQ(refusal([&] { reader->next(mebibyte); }), ErrorCode::corrupt);
    file.seekp(at).put(static_cast<char>(before));
  }
}

/// The bytes that are checked are those of the pinned pages, not those that the file has when they are read.
TEST(PagePinner, ReadsThePagesThatItPins) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  const std::string data = letters(10'000);
  std::ofstream(path, std::ios::binary) << data;
  const sqlite::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  sqlite::PagePinner pinner;
  for (const std::int64_t at : {0, 1, 4095, 4096, 9999}) {
    std::string read(data.size() - static_cast<std::size_t>(at), '\0');
    const auto pinned = pinner.read(file.get(), at, {read.data(), read.size()});
    ASSERT_TRUE(pinned);
    EXPECT_EQ(read, data.substr(static_cast<std::size_t>(at)));
    EXPECT_EQ(bytes_of(*pinned), read);
  }
}

TEST(PagePinner, PinsWhatThereIs) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  std::ofstream(path, std::ios::binary) << "0123456789";
  const sqlite::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  sqlite::PagePinner pinner;
  std::string read(20, '.');
  const auto pinned = pinner.read(file.get(), 4, {read.data(), read.size()});
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->size(), 6);
  EXPECT_EQ(read, "456789..............");
  EXPECT_FALSE(pinner.read(file.get(), 10, {read.data(), read.size()}));
  EXPECT_TRUE(pinner.read(file.get(), 9, {read.data(), read.size()}));
}

TEST(PinnedPages, KeepWhatIsAskedFor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], "0123456789", 10), 10);
  ::close(ends[1]);
  PinnedPages pages(ends[0], 10);
  EXPECT_TRUE(pages.keep(0, 10));
  EXPECT_EQ(pages.size(), 10);
  EXPECT_TRUE(pages.keep(2, 20));
  EXPECT_EQ(pages.size(), 8);
  EXPECT_TRUE(pages.keep(1, 3));
  EXPECT_FALSE(pages.keep(3, 1));
  EXPECT_EQ(bytes_of(pages), "345");
}

}  // namespace
}  // namespace shardlog
