#include <vector>

#include "sdk/sha256.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

std::string digest(std::string_view text) { return sdk::sha256_hex(std::as_bytes(std::span(text))); }

}  // namespace

TEST_CASE("SHA-256 of the standard's examples") {
    CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// With Python's hashlib:
//   texts = (sha256(bytes(i * 7 % 256 for i in range(n))).hexdigest() for n in range(300))
//   sha256("".join(texts).encode()).hexdigest()
TEST_CASE("SHA-256 of every length up to four blocks and more is hashlib's") {
    std::string texts;
    std::vector<std::byte> data;
    for (unsigned n = 0; n < 300; ++n) {
        texts += sdk::sha256_hex(data);
        data.push_back(static_cast<std::byte>(n * 7 % 256));
    }
    CHECK(digest(texts) == "2956ef4e8392a8964f6f552bfba7613a805ef8f8550abe7eedcd072dcec36695");
}
