// Fuzzes the readers of cards, and beneath them that of JSON: the same text as a model's and as a detector's card.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/card.hpp"
#include "hpe/error.hpp"
#include "model/card.hpp"

namespace {

template <class Read>
void read(const Read& read_card, std::string_view text) {
    try {
        (void)read_card(text);
    } catch (const hpe::Error& error) {
        if (error.kind() != hpe::ErrorKind::CorruptModel) throw;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read(hpe::model::read_card, text);
    read(hpe::detect::read_card, text);
    return 0;
}
