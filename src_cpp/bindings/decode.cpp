#include "hpe/decode.hpp"

#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

py::tuple run_softmax_expectation(py::handle logits, float first_deg, float step_deg) {
    const auto input = require_array<float>(logits, "logits", {"N", "A", "B"});
    if (input.shape(2) == 0) refuse_array(logits, "logits", "float32", {"N", "A", "B > 0"}, ErrorKind::InvalidArgument);
    py::array_t<float> angles({input.shape(0), input.shape(1)});
    py::array_t<float> spread({input.shape(0), input.shape(1)});
    const std::span<float> angles_out = view(angles);
    const std::span<float> spread_out = view(spread);
    {
        const py::gil_scoped_release unlocked;
        softmax_expectation(view(input), static_cast<int>(input.shape(2)), first_deg, step_deg, angles_out,
                            spread_out);
    }
    return py::make_tuple(angles, spread);
}

std::string item(const char* argument, std::size_t index) {
    return std::string(argument) + "[" + std::to_string(index) + "]";
}

// Keeps the arrays of the stages alive and views them.
class Stages {
  public:
    Stages(const py::sequence& p, const py::sequence& eta, const py::sequence& delta) {
        if (p.size() == 0 || eta.size() != p.size() || delta.size() != p.size()) {
            throw Error(ErrorKind::InvalidArgument,
                        "p, eta, delta: expected one array a stage in each, at least one stage, got " +
                            std::to_string(p.size()) + ", " + std::to_string(eta.size()) + " and " +
                            std::to_string(delta.size()));
        }
        for (std::size_t k = 0; k < p.size(); ++k) add(k, p[k], eta[k], delta[k]);
    }

    [[nodiscard]] std::span<const SsrStage> stages() const { return stages_; }
    [[nodiscard]] py::ssize_t batch() const { return batch_; }
    [[nodiscard]] py::ssize_t angles() const { return angles_; }

  private:
    void add(std::size_t k, py::handle p, py::handle eta, py::handle delta) {
        const bool known = k > 0;  // the first stage says what N and A are
        const auto scores = known ? require_array<float>(p, item("p", k), {batch_, angles_, "s_k"})
                                  : require_array<float>(p, item("p", k), {"N", "A", "s_k"});
        batch_ = scores.shape(0);
        angles_ = scores.shape(1);
        const py::ssize_t bins = scores.shape(2);
        if (bins == 0) refuse_array(p, item("p", k), "float32", {"N", "A", "s_k > 0"}, ErrorKind::InvalidArgument);
        const bool per_bin = py::isinstance<py::array>(eta) && py::reinterpret_borrow<py::array>(eta).ndim() == 3;
        const auto shifts = per_bin ? require_array<float>(eta, item("eta", k), {batch_, angles_, bins})
                                    : require_array<float>(eta, item("eta", k), {batch_, angles_});
        const auto widths = require_array<float>(delta, item("delta", k), {batch_, angles_});
        stages_.push_back({static_cast<int>(bins), per_bin, view(scores), view(shifts), view(widths)});
        arrays_.insert(arrays_.end(), {scores, shifts, widths});
    }

    std::vector<DenseArray<float>> arrays_;
    std::vector<SsrStage> stages_;
    py::ssize_t batch_ = 0;
    py::ssize_t angles_ = 0;
};

py::array_t<float> run_ssr_stages(const py::sequence& p, const py::sequence& eta, const py::sequence& delta,
                                  float range_deg) {
    const Stages inputs(p, eta, delta);
    py::array_t<float> angles({inputs.batch(), inputs.angles()});
    const std::span<float> out = view(angles);
    {
        const py::gil_scoped_release unlocked;
        ssr_stages(inputs.stages(), range_deg, out);
    }
    return angles;
}

using Calibrate = void (*)(std::span<const float>, std::span<const float>, std::span<float>);

// Defines `name(argument, scale)`: (N, A) and A numbers to (N, A).
template <Calibrate kCalibrate>
void define_spread(py::module_& module, const char* name, const char* argument, const char* doc) {
    module.def(
        name,
        [argument](py::handle value, const std::vector<float>& scale) {
            const auto input = require_array<float>(value, argument, {"N", "A"});
            if (static_cast<std::size_t>(input.shape(1)) != scale.size()) {
                throw Error(ErrorKind::InvalidArgument, "scale: expected " + std::to_string(input.shape(1)) +
                                                            " numbers, one an angle, got " +
                                                            std::to_string(scale.size()));
            }
            py::array_t<float> spread({input.shape(0), input.shape(1)});
            const std::span<float> out = view(spread);
            {
                const py::gil_scoped_release unlocked;
                kCalibrate(view(input), scale, out);
            }
            return spread;
        },
        py::arg(argument), py::arg("scale"), doc);
}

}  // namespace

void register_decode(py::module_& module) {
    module.def("softmax_expectation", &run_softmax_expectation, py::arg("logits"), py::arg("first_deg"),
               py::arg("step_deg"), "Expectation and spread of softmax bins: two float32 (N, A).");
    module.def("ssr_stages", &run_ssr_stages, py::arg("p"), py::arg("eta"), py::arg("delta"),
               py::arg("range_deg") = 99.0F, "Soft stagewise regression of raw outputs: float32 (N, A) degrees.");
    define_spread<&spread_from_log>(module, "spread_from_log", "log_std",
                                    "Calibrated spread of a variance head: float32 (N, A) degrees.");
    define_spread<&scale_spread>(module, "scale_spread", "spread_deg",
                                 "Calibrated spread from degrees: float32 (N, A) degrees.");
}

}  // namespace hpe::bindings
