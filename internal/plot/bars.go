// Package plot draws what was measured.
package plot

import (
	"fmt"

	"github.com/go-analyze/charts"
)

// Bar is a value with a name.
type Bar struct {
	Name  string
	Value float64
}

// The size of a drawing, in pixels, and of what goes around the bars.
const (
	width   = 800
	perBar  = 44
	margins = 120
)

// Bars draws horizontal bars, the first on top, as SVG.
func Bars(title, subtitle string, bars []Bar) ([]byte, error) {
	values, names := make([]float64, len(bars)), make([]string, len(bars))
	for i, b := range bars { // the library begins at the bottom
		values[len(bars)-1-i], names[len(bars)-1-i] = b.Value, b.Name+"  "
	}
	o := charts.NewBarChartOptionWithData([][]float64{values})
	o.Horizontal = true
	o.Title.Text, o.Title.Subtext = title, subtitle
	o.CategoryAxis.Labels = names
	show, hide := true, false
	o.ValueAxis[0].Show = &hide // the bars say what they are
	o.SeriesList[0].Label.Show = &show
	o.SeriesList[0].Label.ValueFormatter = func(v float64) string { return fmt.Sprintf("%.4g", v) }
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: width, Height: margins + perBar*len(bars)})
	if err := p.BarChart(o); err != nil {
		return nil, fmt.Errorf("drawing: %w", err)
	}
	return p.Bytes()
}
