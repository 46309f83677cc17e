// Errors of the core. Python sees them as the classes of hpe_edge.errors (bindings/errors.cpp).
#pragma once

#include <stdexcept>
#include <string>

namespace hpe {

enum class ErrorKind {
    InvalidArgument,
    InvalidImage,
    InvalidBox,
    CorruptModel,
    ModelNotFound,
    Core,  // a broken promise inside the core
};

class Error : public std::runtime_error {
  public:
    // `message` names the argument and says what was expected, what came and what to do.
    Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

  private:
    ErrorKind kind_;
};

}  // namespace hpe
